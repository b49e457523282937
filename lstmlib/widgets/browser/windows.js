const stepsFrom = (first, count) =>
  count === 1 ? `step ${first}` : `steps ${first} to ${first + count - 1}`;

class Component extends Figure {
  compute({ lag, horizon, window }) {
    const { series } = this.data;
    const B = series.length - lag - horizon + 1;
    const j = Math.min(window, B);
    const y = j - 1 + lag;
    return { j, B, x: series.slice(j - 1, y), y: series.slice(y, y + horizon) };
  }

  describe({ lag, horizon }, { j, B }) {
    return `Window j = ${j} of ${B}: X, the input, is ${stepsFrom(j, lag)}; ` +
      `Y, the target, is ${stepsFrom(j + lag, horizon)}. ` +
      `All windows together: X has the shape (${lag}, ${B}, 1), Y (${horizon}, ${B}, 1).`;
  }

  draw({ lag, horizon }, { j }) {
    const { series } = this.data;
    const low = Math.min(...series);
    const span = Math.max(...series) - low || 1;
    const width = 400 / series.length;
    const marks = series.map((value, k) => {
      const step = k + 1;
      const part = step < j ? "" : step < j + lag ? "X" : step < j + lag + horizon ? "Y" : "";
      const colour = { X: "--blue", Y: "--vermillion", "": "--line" }[part];
      const top = 130 - (100 * (value - low)) / span;
      const middle = k * width + width / 2;
      return `<rect x="${k * width + 0.75}" y="${top}" width="${width - 1.5}" height="${140 - top}"
          style="fill:var(${colour})"/>
        <text x="${middle}" y="156" text-anchor="middle">${step}</text>
        <text x="${middle}" y="174" text-anchor="middle" font-weight="bold">${part}</text>`;
    });
    return `<svg viewBox="0 20 400 160" aria-hidden="true">${marks.join("")}</svg>`;
  }
}
