const LAGS = 40;
const DECADES = [-12, -8, -4, 0, 4, 8]; // the powers of ten on the axis; a line may leave it

// Each line: its key in the numbers, its name, colour, dashes.
const LINES = [
  ["bound", "bound, <i>σ</i><sub>max</sub>(<i>W<sub>h</sub></i>)<sup><i>k</i></sup>",
    "--vermillion", "8 4"],
  ["powers", "<i>ρ</i>(<i>W<sub>h</sub></i>)<sup><i>k</i></sup>", "--muted", "2 3"],
  ["measured", "measured, ‖d<i>h<sub>T</sub></i>\u202f/\u202fd<i>h</i><sub><i>T</i>−<i>k</i></sub>‖",
    "--blue", "none"],
];
const CELL_LINES = [
  ["cell", "LSTM, ‖d<i>c<sub>T</sub></i>\u202f/\u202fd<i>c</i><sub><i>T</i>−<i>k</i></sub>‖",
    "--green", "12 3"],
  ["direct", "along its cell alone, largest ∏ <i>f</i>", "--purple", "5 3"],
];

const lags = Array.from({ length: LAGS + 1 }, (_, k) => k);
const dot = (u, v) => u.reduce((sum, value, k) => sum + value * v[k], 0);

// Matrices of this file are lists of rows.
const transposed = (A) => A[0].map((_, c) => A.map((row) => row[c]));
const identity = (H) => Array.from({ length: H }, (_, r) => Array.from({ length: H }, (_, c) => +(r === c)));
const product = (A, B) => {
  const columns = transposed(B);
  return A.map((row) => columns.map((column) => dot(row, column)));
};

// The largest singular value: pairs of columns are turned until all are orthogonal to each other
// (one-sided Jacobi); their lengths are the singular values then, each with nearly all its digits.
const spectralNorm = (A) => {
  const columns = transposed(A);
  for (let turned = true; turned; ) {
    turned = false;
    for (let p = 0; p < columns.length; p++) {
      for (let q = p + 1; q < columns.length; q++) {
        const [u, v] = [columns[p], columns[q]];
        const [uu, vv, uv] = [dot(u, u), dot(v, v), dot(u, v)];
        if (Math.abs(uv) <= 1e-14 * Math.sqrt(uu) * Math.sqrt(vv)) continue;
        turned = true;
        const cot = (vv - uu) / (2 * uv); // of twice the angle
        const tan = (cot < 0 ? -1 : 1) / (Math.abs(cot) + Math.hypot(1, cot));
        const cos = 1 / Math.hypot(1, tan);
        columns[p] = u.map((value, k) => cos * (value - tan * v[k]));
        columns[q] = v.map((value, k) => cos * (value + tan * u[k]));
      }
    }
  }
  return Math.sqrt(Math.max(...columns.map((column) => dot(column, column))));
};

const rows = ({ shape: [R, C], values }, factor) =>
  Array.from({ length: R }, (_, r) => values.slice(r * C, (r + 1) * C).map((v) => factor * v));

const raised = (exponent) => String(exponent).replace("-", "⁻").replace(/\d/g, (d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]);

// 10 to a power, with two digits: 0.034, 1.2 × 10⁻⁷.
const power = (logarithm) => {
  const exponent = Math.floor(logarithm);
  if (-2 <= exponent && exponent <= 2) return (10 ** logarithm).toFixed(Math.max(0, 1 - exponent));
  return `${(10 ** (logarithm - exponent)).toFixed(1)} × 10${raised(exponent)}`;
};

const atX = (lag) => (44 + (348 * lag) / LAGS).toFixed(1);
const atY = (logarithm, below = 0) => (100 - 11 * logarithm + below).toFixed(1);

class Component extends Figure {
  compute({ radius, activation, bias }) {
    const { x, rnn, cell } = this.data;
    const W_h = rows(rnn.W_h, radius);
    const sigma = spectralNorm(W_h);
    const numbers = {
      sigma,
      bound: lags.map((k) => k * Math.log10(sigma)),
      powers: lags.map((k) => k * Math.log10(radius)),
      measured: this.alongStates(x, rows(rnn.W_x, 1), W_h, activation),
    };
    return cell ? { ...numbers, ...this.alongCell(x, cell, radius, bias) } : numbers;
  }

  // ‖dh_T/dh_{T−k}‖ of the Elman network.
  alongStates(x, W_x, W_h, activation) {
    let h = W_h.map(() => 0);
    const jacobians = x.map((x_t) => {
      const slope = h.map(() => 1);
      if (activation === "tanh") {
        h = W_h.map((row, r) => Math.tanh(W_x[r][0] * x_t + dot(row, h)));
        h.forEach((value, r) => (slope[r] = 1 - value ** 2));
      }
      return W_h.map((row, r) => row.map((w) => slope[r] * w));
    });
    let J = identity(h.length);
    return lags.map((k) => {
      if (k) J = product(J, jacobians[x.length - k]);
      return Math.log10(spectralNorm(J));
    });
  }

  // ‖dc_T/dc_{T−k}‖ of the LSTM, and the largest product of forget gates.
  alongCell(x, cell, radius, bias) {
    const H = cell.W_h.shape[1];
    const W_h = { ...cell.W_h, values: cell.W_h.values.map((w) => radius * w) };
    const b = { values: Array.from({ length: 4 * H }, (_, r) => (r >= H && r < 2 * H ? bias : 0)) };
    let before = { h: Array(H).fill(0), c: Array(H).fill(0) };
    const steps = x.map((x_t) => {
      const step = { before, ...lstmStep({ ...cell, W_h, b }, [x_t], before.h, before.c) };
      before = step;
      return step;
    });
    const recurrent = rows(W_h, 1);
    let dc = identity(H); // of c_T with respect to c_t where h_t is held, and to h_t
    let dh = dc.map((row) => row.map(() => 0));
    let direct = Array(H).fill(1);
    const norms = { cell: [], direct: [] };
    for (const { before, i, f, g, o, c } of [...steps].reverse()) {
      const squashed = c.map(Math.tanh);
      const total = dc.map((row, r) => row.map((v, k) => v + dh[r][k] * o[k] * (1 - squashed[k] ** 2)));
      norms.cell.push(Math.log10(spectralNorm(total)));
      norms.direct.push(Math.log10(Math.max(...direct)));
      const dz = total.map((row, r) => [
        ...row.map((v, k) => v * g[k] * i[k] * (1 - i[k])),
        ...row.map((v, k) => v * before.c[k] * f[k] * (1 - f[k])),
        ...row.map((v, k) => v * i[k] * (1 - g[k] ** 2)),
        ...row.map((_, k) => dh[r][k] * squashed[k] * o[k] * (1 - o[k])),
      ]);
      dh = product(dz, recurrent);
      dc = total.map((row) => row.map((v, k) => v * f[k]));
      direct = direct.map((v, k) => v * f[k]);
    }
    return norms;
  }

  describe({ lag, activation }, numbers) {
    const at = (key) => power(numbers[key][lag]);
    return `At lag ${lag} the ${activation} network multiplies a gradient by at most ` +
      `${at("measured")}; the bound, σ_max(W_h) = ${show(numbers.sigma)} to the power ${lag}, ` +
      `is ${at("bound")}.` +
      (numbers.cell
        ? ` The cell of the LSTM multiplies it by at most ${at("cell")}, along the cell alone ` +
          `${at("direct")}.`
        : "");
  }

  draw({ lag }, numbers) {
    const lines = numbers.cell ? [...LINES, ...CELL_LINES] : LINES;
    const decades = DECADES.map((decade) =>
      `<path d="M44 ${atY(decade)}H392" style="stroke:var(${decade ? "--line" : "--muted"})"/>
      <text x="38" y="${atY(decade, 4)}" text-anchor="end">${decade ? `10${raised(decade)}` : 1}</text>`);
    const ticks = [0, 10, 20, 30, 40].map((k) =>
      `<text x="${atX(k)}" y="250" text-anchor="middle">${k}</text>`);
    const curves = lines.map(([key, , colour, dashes]) => {
      const points = numbers[key].map((value, k) => `${atX(k)},${atY(value)}`).join(" ");
      return `<polyline points="${points}" fill="none"
          style="stroke:var(${colour});stroke-width:2.2;stroke-dasharray:${dashes}"/>
        <circle cx="${atX(lag)}" cy="${atY(numbers[key][lag])}" r="3.5" style="fill:var(${colour})"/>`;
    });
    const legend = lines.map(([key, name, colour, dashes]) =>
      `<tr><td><svg viewBox="0 0 40 8" style="width:40px;height:8px" aria-hidden="true"><path d="M0 4H40"
        style="stroke:var(${colour});stroke-width:2.2;stroke-dasharray:${dashes}"/></svg></td>
      <th scope="row" style="text-align:left">${name}</th><td style="white-space:nowrap">${power(numbers[key][lag])}</td></tr>`);
    // an SVG within cuts off what leaves the axes
    return `<svg viewBox="0 0 400 268" aria-hidden="true">${decades.join("")}${ticks.join("")}
        <text x="52" y="26">grows</text><text x="52" y="226">vanishes</text>
        <path d="M${atX(lag)} 12V232" style="stroke:var(--muted)"/>
        <text x="218" y="265" text-anchor="middle">lag k</text>
        <svg x="44" y="12" width="348" height="220" viewBox="44 12 348 220"
          style="width:348px;height:220px;max-width:none">${curves.join("")}</svg></svg>
      <table style="margin:0.5rem auto 0"><thead><tr><td></td><td></td>
        <th scope="col"><i>k</i> = ${lag}</th></tr></thead>
        <tbody>${legend.join("")}</tbody></table>`;
  }
}
