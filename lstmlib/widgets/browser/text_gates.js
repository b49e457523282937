const ROWS = 16;
const TOP = 8;
const CELL = 12;
const WARMTH = 0.7;
const context = (read, at) => {
  if (at === 0) return "a line break";
  const before = read.slice(1, at + 1);
  return `“${before.length > 16 ? "…" : ""}${before.slice(-16).join("")}”`;
};
const variance = (values) => {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
};

class Component extends Figure {
  // A step for each symbol, with the probabilities after it. What has been read stays read.
  reading(read) {
    this.model ??= Object.fromEntries(
      Object.entries(this.data.weights).map(([name, packed]) => [name, unpack(packed)]));
    const { E, W_h, W, b_out } = this.model;
    const [D, H] = [E.shape[1], W_h.shape[1]];
    const before = this.steps ?? [];
    const change = read.findIndex((symbol, t) => symbol !== before[t]?.symbol);
    const steps = before.slice(0, change < 0 ? read.length : change);
    for (const symbol of read.slice(steps.length)) {
      const { h, c } = steps.at(-1) ?? { h: new Float64Array(H), c: new Float64Array(H) };
      const k = this.data.alphabet.indexOf(symbol) + 1;
      const step = lstmStep(this.model, E.values.subarray(k * D, (k + 1) * D), h, c);
      const logits = times(W, step.h).map((z, j) => z + b_out.values[j]);
      steps.push({ symbol, logits, p: softmax(logits), ...step });
    }
    this.steps = steps;
    return steps;
  }

  // Characters that the model writes on after what it has read.
  write(read, count) {
    const { alphabet, uniform } = this.data;
    const all = [...read];
    for (const u of uniform.slice(0, count)) {
      let sum = 0;
      const p = softmax(this.reading(all).at(-1).logits.slice(1, -1).map((z) => z / WARMTH));
      all.push(alphabet[p.findIndex((q) => u < (sum += q))]);
    }
    return all.slice(read.length).join("");
  }

  compute({ text, quantity, units: which, at: fromEnd, more }) {
    const { alphabet, quantities, weights } = this.data;
    const typed = [...text.replaceAll("’", "'").replaceAll("‘", "'")];
    const known = typed.filter((symbol) => alphabet.includes(symbol));
    const read = ["\n", ...known];
    const steps = this.reading(read);
    const along = (name, unit) => steps.map((step) => step[name][unit]);
    let units = Array.from({ length: weights.W_h.shape[1] }, (_, unit) => unit);
    if (which.includes("–")) {
      const [first, last] = which.split("–").map(Number);
      units = units.slice(first, last + 1);
    } else {
      units = highestFirst(units.map((unit) => variance(along("h", unit)))).slice(0, ROWS);
    }
    const at = Math.max(known.length + fromEnd, 0);
    const { p } = steps[at];
    const symbols = ["START", ...alphabet, "END"];
    return {
      read,
      unknown: [...new Set(typed.filter((symbol) => !alphabet.includes(symbol)))],
      p: known.map((symbol, t) => steps[t].p[alphabet.indexOf(symbol) + 1]),
      units,
      values: units.map((unit) => along(quantities[quantity], unit)),
      at,
      next: highestFirst(p).slice(0, TOP).map((k) => [symbols[k], p[k]]),
      entropy: bits(p),
      written: this.write(read, more),
    };
  }

  describe({ quantity }, { read, unknown, p, units, values, at, next, entropy, written }) {
    // equal saturated values are equal in any arithmetic
    const coarse = values.map((row) => row.map((value) => Math.round(1e4 * value)));
    const [row] = highestFirst(coarse.map((row) => Math.max(...row) - Math.min(...row)));
    const low = coarse[row].indexOf(Math.min(...coarse[row]));
    const high = coarse[row].indexOf(Math.max(...coarse[row]));
    const expected = next.slice(0, 3).map(([symbol, q]) => `${named(symbol)} (${show(q)})`).join(", ");
    let said = `The ${quantity} of ${units.length} units at ${read.length} characters: ` +
      `that of unit ${units[row]} has the widest range, from ${show(values[row][low])} at ${named(read[low])} ` +
      `to ${show(values[row][high])} at ${named(read[high])}. ` +
      `After ${context(read, at)} the model expects ${expected}; ` +
      `its entropy is ${show(entropy)} bits.`;
    if (at + 1 < read.length) said += ` What comes is ${named(read[at + 1])} (${show(p[at])}).`;
    if (written) said += ` The model writes on: “${written}”.`;
    if (unknown.length) {
      said += " Left out, because the model's alphabet has no such character: " + unknown.join(" ");
    }
    return said;
  }

  draw({ quantity }, numbers) {
    return this.map(quantity, numbers) + this.bars(numbers);
  }

  // A column for each character: what it was expected with, and the value in each unit.
  map(quantity, { read, p, units, values, at }) {
    const full = quantity === "cell state c" ? 2 : 1; // tanh c is near 1 from there on
    const top = 50;
    const bottom = top + CELL * units.length + 2;
    const width = CELL * read.length;
    const labels = units.map((unit, r) =>
      `<text x="36" y="${top + CELL * r + 10}" text-anchor="end">${unit}</text>`);
    const letters = read.map((symbol, t) =>
      `<text x="${CELL * t + CELL / 2}" y="44" text-anchor="middle">${visible(symbol)}</text>`);
    const expected = p.map((q, t) =>
      `<rect x="${CELL * t + 13}" y="${(30 - 28 * q).toFixed(1)}" width="10"
        height="${(28 * q).toFixed(1)}" style="fill:var(--green)"/>`);
    const cells = values.map((row, r) => row.map((value, t) => {
      if (Math.abs(value) < 0.02 * full) return ""; // not seen
      // a negative value is a flat bar, so that its colour is not all that tells
      const [y, height, colour] = value > 0 ? [0, CELL - 1, "--blue"] : [4, CELL - 9, "--vermillion"];
      return `<rect x="${CELL * t}" y="${top + CELL * r + y}" width="${CELL}" height="${height}"
        style="fill:var(${colour})" fill-opacity="${Math.min(Math.abs(value) / full, 1).toFixed(2)}"/>`;
    }).join(""));
    const signed = "gch".includes(this.data.quantities[quantity]);
    const caption = "Bars: the probability with which each character was expected. " +
      `Rows: ${quantity}, each of a unit; full colour is ${signed ? "±" : ""}${full}` +
      (signed ? ", a flat bar is negative." : ".");
    const style = "flex:none;max-width:none;margin:0;width";
    return `<p style="margin:0 0 0.4rem">${caption}</p>
      <div style="display:flex;width:fit-content;max-width:100%">
      <svg viewBox="0 0 40 ${bottom}" style="${style}:40px" aria-hidden="true">
      <text x="36" y="28" text-anchor="end" font-style="italic">p</text>${labels.join("")}</svg>
      <div class="scroll" id="map" style="overflow-x:auto" tabindex="0" role="group" aria-label="Heat map">
      <svg class="map" viewBox="0 0 ${width} ${bottom}" aria-hidden="true"
        style="${style}:${width}px;cursor:pointer">
      ${letters.join("")}${expected.join("")}${cells.join("")}
      <rect x="${CELL * at + 0.5}" y="32" width="${CELL - 1}" height="${bottom - 33}"
        style="fill:none;stroke:var(--ink)" stroke-width="1.5"/></svg></div></div>`;
  }

  bars({ read, at, next }) {
    const rows = next.map(([symbol, q], row) => {
      const [colour, note] = symbol === read[at + 1] ? ["--vermillion", " comes next"] : ["--blue", ""];
      return `<text x="44" y="${18 * row + 13}" text-anchor="end">${visible(symbol)}</text>
        <rect x="50" y="${18 * row + 2}" width="${(175 * q).toFixed(1)}" height="14"
          style="fill:var(${colour})"/>
        <text x="${(56 + 175 * q).toFixed(1)}" y="${18 * row + 13}">${show(q)}${note}</text>`;
    });
    return `<p style="margin:0.6rem 0 0.2rem">Expected after ${escaped(context(read, at))}:</p>
      <svg viewBox="0 0 330 ${18 * next.length + 2}" style="max-width:23rem;margin:0" aria-hidden="true">
      ${rows.join("")}</svg>`;
  }

  // A column that is tapped becomes the chosen character.
  ready(drawing) {
    drawing.addEventListener("click", (event) => {
      const map = event.target.closest(".map");
      if (!map) return;
      const column = Math.floor((event.clientX - map.getBoundingClientRect().left) / CELL);
      const { read } = this.numbers;
      this.set({ at: Math.min(column, read.length - 1) - (read.length - 1) });
    });
  }

  // The slider goes as far as the text does, and the chosen column stays in view.
  redraw() {
    const before = this.drawing.querySelector(".scroll")?.scrollLeft ?? 0;
    super.redraw();
    const { read, at } = this.numbers;
    const slider = this.shadowRoot.querySelector("[data-set=at]");
    const lowest = 1 - read.length;
    slider.min = lowest;
    slider.value = this.state.at; // again, as the text before may have been shorter
    if (this.state.at < lowest) return this.set({ at: lowest });
    const scroll = this.drawing.querySelector(".scroll");
    const right = CELL * (at + 2) - scroll.clientWidth;
    scroll.scrollLeft = Math.max(Math.min(before, CELL * (at - 1)), right);
  }
}
