const GATES = [..."ifgo"];

// Several of the numbers that `compute` returns belong to a step: c1 is c at step 1.
class Component extends Figure {
  compute(state) {
    const { T, W_x, W_h, y } = this.data;
    const column = (values) => ({ shape: [4, 1], values });
    const b = GATES.map((q) => state[`b_${q}`]);
    const params = { W_x: column(W_x), W_h: column(W_h), b: column(b) };
    const dot = (a, other) => a.reduce((sum, value, k) => sum + value * other[k], 0);
    const known = {};
    const keep = (names, results, t) => names.forEach((name, k) => (known[name + t] = results[k]));
    const caches = [];
    let [h, c] = [[0], [0]];
    for (let t = 1; t <= T; t++) {
      const x = state[`x_${t}`];
      const s = lstmStep(params, [x], h, c);
      const [i, f, g, o] = GATES.map((q) => s[q][0]);
      const tanh = Math.tanh(s.c[0]);
      const cache = { x, hPrev: h[0], cPrev: c[0], i, f, g, o, tanh, error: s.h[0] - y[t - 1] };
      caches.push(cache);
      const sums = [s.z, i, f, g, o, f * c[0], i * g, s.c[0], tanh, s.h[0]];
      keep(["z", ...GATES, "keep", "add", "c", "tanh", "h"], sums, t);
      ({ h, c } = s);
    }
    known[`L${T}`] = caches.reduce((sum, { error }) => sum + error ** 2, 0) / 2;
    let [dhPrev, dcPrev] = [0, 0];
    const total = { dW_x: [0, 0, 0, 0], dW_h: [0, 0, 0, 0], db: [0, 0, 0, 0] };
    for (let t = T; t >= 1; t--) {
      const { x, hPrev, cPrev, i, f, g, o, tanh, error } = caches[t - 1];
      const dh = error + dhPrev; // eq-lstmback-dh, and so on in the order of lstm_step_backward
      const d_o = dh * tanh;
      const dc = dcPrev + dh * o * (1 - tanh ** 2);
      const [df, di, dg] = [dc * cPrev, dc * g, dc * i];
      const dz = [di * i * (1 - i), df * f * (1 - f), dg * (1 - g ** 2), d_o * o * (1 - o)];
      [dhPrev, dcPrev] = [dot(dz, W_h), dc * f];
      keep(
        ["dh", "do", "dc", "df", "di", "dg", "dz", "dx", "dh_prev", "dc_prev"],
        [dh, d_o, dc, df, di, dg, dz, dot(dz, W_x), dhPrev, dcPrev],
        t,
      );
      dz.forEach((value, k) => {
        total.dW_x[k] += value * x;
        total.dW_h[k] += value * hPrev;
        total.db[k] += value;
      });
    }
    keep(Object.keys(total), Object.values(total), 1);
    return Object.fromEntries(Object.entries(known).slice(0, state.operation));
  }

  describe(state, numbers) {
    const [name, t] = this.at(state);
    const [part, , , , words] = this.text(name, t);
    const said = fill(`${part}: ${words}`, t, this.values(state, numbers));
    return `Operation ${state.operation} of ${this.data.plan.length}. ${said}`;
  }

  draw(state, numbers) {
    const { T, style, wires, nodes, labels } = this.data;
    const [name, t] = this.at(state);
    const [part, title, label, lines] = this.text(name, t);
    const values = this.values(state, numbers);
    const lit = (ref) => keyOf(ref, t).replace(/_[ifgo](?=\d)/, "") === name + t;
    const known = (ref) => keyOf(ref, t) in values;
    const way = (forward, back) => {
      if (back.some(lit)) return "now back";
      if (forward.some(lit)) return "now on";
      if (back.some(known)) return "known back";
      return forward.some(known) ? "known" : "pale";
    };
    const box = 400 / (2.1 * T + 1.1);
    const shapes = [`<path class="light" d="M${(2.1 * t - 1) * box} 78h${box}L400 88V410H0V88Z"/>`];
    const order = ["pale", "known", "known back", "now on", "now back"];
    wires
      .map(([points, forward, back]) => [way(forward, back), points])
      .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
      .forEach(([how, points]) => shapes.push(wire(points, how)));
    for (const [x, y, width, height, text, kind, forward, back] of nodes) {
      const how = way(forward, back);
      shapes.push(`<rect class="node ${kind} ${how}" x="${x - width / 2}" y="${y - height / 2}"
          width="${width}" height="${height}" rx="${width === height ? 12 : 5}"/>
        <text class="${how}" x="${x}" y="${y + 4.5}" text-anchor="middle">${text}</text>`);
    }
    for (const [x, y, anchor, symbol, ref] of labels) {
      const back = ref.startsWith("d");
      if (back && !known(ref)) continue;
      const number = known(ref) ? ` ${written(ref, values[keyOf(ref, t)], back ? 3 : 2)}` : "";
      shapes.push(`<text class="${back ? way([], [ref]) : way([ref], [])}" x="${x}" y="${y}"
        text-anchor="${anchor}">${fill(symbol, t, values)}${number}</text>`);
    }
    const said = lines.split("|").map((line) => {
      return `<p class="${line[0] === "=" ? "more" : "first"}">${fill(line, t, values)}</p>`;
    });
    return `<div class="cell-steps"><style>${style}</style>
      <svg viewBox="0 -2 400 412" aria-hidden="true">${shapes.join("")}</svg>
      <div><p><b>${fill(`${part}: ${title}`, t, values)}</b></p>${said.join("")}
      <p><code>${label}</code></p></div></div>`;
  }

  // Buttons beside the slider, and what can be edited below the drawing.
  ready(drawing) {
    const slider = this.shadowRoot.querySelector("label.slider");
    slider.insertAdjacentHTML(
      "afterend",
      `<div class="walk"><button type="button" data-by="-1">← Back</button>
        <button type="button" data-by="1">Next →</button></div>`,
    );
    slider.nextElementSibling.addEventListener("click", ({ target }) => {
      const by = Number(target.dataset.by);
      if (by) this.set({ operation: this.state.operation + by });
    });
    const inputs = document.createElement("div");
    inputs.className = "controls inputs";
    inputs.append(...this.shadowRoot.querySelectorAll("label.number"));
    drawing.after(inputs);
  }

  // The name and the step of the operation done last.
  at({ operation }) {
    return operation ? this.data.plan[operation - 1] : ["given", 1];
  }

  text(name, t) {
    const { T, texts } = this.data;
    return (t === T && texts[`${name} last`]) || texts[name];
  }

  // Every number that is known under a name of its own: the four of z1 as z_i1, …
  values(state, numbers) {
    const { W_x, W_h, y } = this.data;
    const values = { h0: 0, c0: 0 };
    for (const q of GATES) values[`b_${q}`] = state[`b_${q}`];
    y.forEach((target, k) => {
      values[`x${k + 1}`] = state[`x_${k + 1}`];
      values[`y${k + 1}`] = target;
    });
    for (const [name, value] of Object.entries({ W_x, W_h, ...numbers })) {
      if (Array.isArray(value)) {
        const [, stem, step] = name.match(/^(.*?)(\d*)$/);
        GATES.forEach((q, k) => (values[`${stem}_${q}${step}`] = value[k]));
      } else values[name] = value;
    }
    return values;
  }
}

// The name of a number, seen from step t: {c.p} is c at the step before.
const keyOf = (ref, t) => {
  const [name, step = "t"] = ref.split(".");
  return /^[Wb]_/.test(name) ? name : name + ({ t, p: t - 1, n: t + 1 }[step] ?? step);
};

// Steps and numbers put into a template; one below zero that is not alone gets brackets.
const fill = (template, t, values) => {
  const steps = { t, p: t - 1, n: t + 1 };
  return template.replace(/([·+−] ?)?\{([\w.]+)\}/g, (_, before = "", ref) => {
    const step = steps[ref.replace("_", "")];
    if (step !== undefined) return before + (ref[0] === "_" ? lowered(step) : step);
    const number = written(ref, values[keyOf(ref, t)], 4);
    return before + (before && number[0] === "−" ? `(${number})` : number);
  });
};

// One that is given as it is, to four digits; a very small one with its power.
const written = (ref, value, digits) => {
  const size = Math.abs(value);
  const text = "Wbxy".includes(ref[0])
    ? show(value, 4).replace(/\.?0+$/, "")
    : size < 1e-9
      ? "0"
      : size < 0.5 * 10 ** -digits
        ? value.toExponential(0)
        : value.toFixed(digits);
  return text.replaceAll("-", "−");
};

// A line with an arrow's head, from its end where the gradient goes.
const wire = (points, way) => {
  const path = way.includes("back") ? [...points].reverse() : [...points];
  const [x, y] = path.pop();
  const [x0, y0] = path.at(-1);
  const [dx, dy] = [Math.sign(x - x0), Math.sign(y - y0)];
  const sides = [4, -4].map((s) => [x - 8 * dx + s * dy, y - 8 * dy + s * dx]);
  const line = (corners) => `M${corners.map((corner) => corner.join(" ")).join("L")}`;
  return `<path class="line ${way}" d="${line([...path, [x - 6 * dx, y - 6 * dy]])}"/>
    <path class="head ${way}" d="${line([[x, y], ...sides])}Z"/>`;
};
