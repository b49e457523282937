const GATES = { RNN: ["tanh"], GRU: ["r", "z", "n"], LSTM: ["i", "f", "g", "o"] };
const NAMES = {
  W_x: "<i>W<sub>x</sub></i>",
  W_h: "<i>W<sub>h</sub></i>",
  b: "<i>b</i>",
  b_hn: "<i>b<sub>hn</sub></i>",
  h: "state <i>h</i>",
  c: "state <i>c</i>",
  P: "<i>P</i>",
};
const ROW = { 1: 76, 2: 124 }; // height of a layer in one direction, in both

const shapeText = (shape) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
const grouped = (number) => number.toLocaleString("en-US");

class Component extends Figure {
  compute({ cell, directions, layers: L, features: D, units: H, batch: B, steps: T }) {
    const G = GATES[cell].length;
    const both = directions === "both";
    const named = (shapes) => both
      ? Object.fromEntries(["forward", "backward"].flatMap((way) =>
        Object.entries(shapes).map(([name, shape]) => [`${way}.${name}`, shape])))
      : shapes;
    const ways = both ? 2 : 1;
    const layers = Array.from({ length: L }, (_, l) => {
      const size = l ? ways * H : D;
      const hn = cell === "GRU" ? { b_hn: [H] } : {};
      // eq-variants-parameters-layers
      const count = G * H * (size + H + 1) + (cell === "GRU" ? H : 0);
      return {
        weights: named({ W_x: [G * H, size], W_h: [G * H, H], b: [G * H], ...hn }),
        states: named({ h: [B, H], ...(cell === "LSTM" ? { c: [B, H] } : {}) }),
        output: [T, B, ways * H],
        parameters: ways * count,
      };
    });
    const parameters = layers.reduce((sum, layer) => sum + layer.parameters, 0);
    const second = (cell === "GRU" ? 2 : G) * H; // entries of a second bias; a GRU has b_hn already
    return { x: [T, B, D], layers, parameters, torch: parameters + L * ways * second };
  }

  describe({ cell, directions }, { x, layers, parameters, torch }) {
    const L = layers.length;
    const each = layers.map((layer) => grouped(layer.parameters)).join(" + ");
    return `${cell === "GRU" ? "A" : "An"} ${cell} of ${L} layer${L > 1 ? "s" : ""} in ` +
      `${directions === "both" ? "both directions" : "one direction"} reads x of the shape ` +
      `${shapeText(x)} and puts out ${shapeText(layers[L - 1].output)}. It has ` +
      `${L > 1 ? `${each} = ` : ""}${grouped(parameters)} parameters, whatever ` +
      `T and B are. PyTorch, with its second bias, counts ${grouped(torch)}.`;
  }

  draw(state, numbers) {
    return this.wiring(state, numbers) + this.table(state, numbers);
  }

  // The layers on top of each other, over the first steps and the last.
  wiring({ cell: kind, directions, steps: T }, { x: input, layers }) {
    const ways = directions === "both" ? 2 : 1;
    const gates = GATES[kind];
    const steps = T <= 4 ? Array.from({ length: T }, (_, t) => t + 1) : [1, 2, null, T];
    const x = steps.map((_, n) => 241 + 41 * (2 * n + 1 - steps.length));
    const L = layers.length;
    const height = 34 + ROW[ways] * L;
    const width = ways === 1 ? 56 : 44;
    const marks = [];
    const text = (at, y, content, style = ' text-anchor="middle"') =>
      marks.push(`<text x="${at.toFixed(1)}" y="${y}"${style}>${content}</text>`);
    const box = (left, y, size, high, colour) => marks.push(`<rect x="${left.toFixed(1)}" y="${y}"
      width="${size}" height="${high}" rx="4"
      style="fill:var(--card);stroke:var(${colour});stroke-width:1.5"/>`);
    const pill = (at, y, texts, colours) => texts.forEach((content, n) => {
      const size = 60 / texts.length;
      const left = at - 30 + n * size;
      box(left, y - 9, size, 18, colours[n]);
      text(left + size / 2, y + 4, content);
    });
    const cell = (at, y, colour) => {
      const size = width / gates.length;
      const left = at - width / 2;
      box(left, y - 13, width, 26, colour);
      gates.forEach((gate, n) => {
        if (n) marks.push(`<path d="M${(left + n * size).toFixed(1)} ${y - 13}v26"
          style="stroke:var(${colour})"/>`);
        text(left + (n + 0.5) * size, y + 4, gate);
      });
    };
    const label = (y, ...lines) => lines.forEach((line, n) =>
      text(2, y + 4 + 15 * n, line, n ? ' style="fill:var(--muted)"' : ' style="font-weight:bold"'));
    const bottom = height - 14;
    const shift = ways === 2 ? 8 : 0; // the two directions' boxes stand aside, to let lines pass
    for (let l = 0; l <= L; l++) {
      const y = bottom - ROW[ways] * l; // of what goes into layer l + 1
      label(y - 8, (l ? "h" : "x") + (l === L ? " out" : ""),
        shapeText(l ? layers[l - 1].output : input));
      steps.forEach((t, n) => {
        if (t === null) text(x[n], y + 4, "…");
        else if (l === 0) pill(x[n], y, [`x${lowered(t)}`], ["--muted"]);
        else if (ways === 1) pill(x[n], y, [`h${lowered(t)}`], ["--blue"]);
        else pill(x[n], y, ["h→", "h←"], ["--blue", "--vermillion"]);
      });
    }
    layers.forEach(({ parameters }, l) => {
      const y = bottom - ROW[ways] * l;
      const [ahead, back] = [y - 38, y - (ways === 1 ? 38 : 87)]; // of the boxes that read → and ←
      const top = y - ROW[ways] + 10;
      label((ahead + back) / 2 - 6, `layer ${l + 1}`, `P = ${grouped(parameters)}`);
      steps.forEach((t, n) => {
        const at = x[n];
        if (n) {
          const [before, wasStep] = [x[n - 1], steps[n - 1] !== null];
          marks.push(arrow([before - shift + (wasStep ? width / 2 : 14), ahead],
            [at - shift - (t ? width / 2 + 1 : 14), ahead], "--blue"));
          if (ways === 2) {
            marks.push(arrow([at + shift - (t ? width / 2 : 14), back],
              [before + shift + (wasStep ? width / 2 + 1 : 14), back], "--vermillion"));
          }
        }
        if (t === null) {
          text(at, ahead + 4, "…");
          if (ways === 2) text(at, back + 4, "…");
          return;
        }
        marks.push(arrow([at - shift, y - 10], [at - shift, ahead + 14], "--muted"),
          arrow([at - 2.75 * shift, ahead - 14], [at - 2.75 * shift, top], "--blue"));
        cell(at - shift, ahead, "--blue");
        if (ways === 2) {
          marks.push(arrow([at + 22, y - 10], [at + 22, back + 14], "--muted"),
            arrow([at + shift, back - 14], [at + shift, top], "--vermillion"));
          cell(at + shift, back, "--vermillion");
        }
      });
    });
    return `<svg viewBox="0 0 400 ${height}" aria-hidden="true">${marks.join("")}</svg>`;
  }

  // The shapes in numbers and letters, a column a layer.
  table({ cell: kind, directions }, { layers }) {
    const both = directions === "both";
    const G = { RNN: "", GRU: "3", LSTM: "4" }[kind];
    const [prefix, out] = both ? ["forward.", "2H"] : ["", "H"];
    const small = (content) => `<small style="color:var(--muted)">${content}</small>`;
    const cell = (shape, letters) => `<td>${shapeText(shape)}<br>${small(letters)}</td>`;
    const row = (name, cells, note = "") => `<tr><th scope="row" style="text-align:left;white-space:nowrap">${
      NAMES[name] ?? name}${note}</th>${cells.join("")}</tr>`;
    const letters = { W_h: `${G}H, H`, b: `${G}H`, b_hn: "H", h: "B, H", c: "B, H" };
    const rows = (of) => Object.keys(layers[0][of])
      .filter((name) => name.startsWith(prefix)) // ← has the same shapes
      .map((name) => {
        const short = name.slice(prefix.length);
        return row(short, layers.map((layer, l) =>
          cell(layer[of][name], letters[short] ?? `${G}H, ${l ? out : "D"}`)),
        both ? `<br>${small("→ ←")}` : "");
      });
    return `<table style="margin:0.6rem auto 0;line-height:1.3;font-size:0.8125rem">
      <tr><td></td>${layers.map((_, l) => `<th scope="col">layer ${l + 1}</th>`).join("")}</tr>
      ${rows("weights").join("")}
      ${row("P", layers.map(({ parameters }) => `<td>${grouped(parameters)}</td>`))}
      ${rows("states").join("")}
      ${row("output", layers.map(({ output }) => cell(output, `T, B, ${out}`)))}</table>`;
  }
}
