class Component extends Figure {
  compute({ lag, horizon, window }) {
    const { series } = this.data;
    const B = series.length - lag - horizon + 1;
    const b = Math.min(window, B - 1);
    const y = b + lag;
    return { b, B, x: series.slice(b, y), y: series.slice(y, y + horizon) };
  }

  describe({ lag, horizon }, { b, B }) {
    return `Window b = ${b} of ${B} (0 to ${B - 1}): steps ${b} to ${b + lag - 1} are its X, ` +
      `steps ${b + lag} to ${b + lag + horizon - 1} its Y. ` +
      `X has the shape (${lag}, ${B}, 1), Y (${horizon}, ${B}, 1).`;
  }

  draw({ lag, horizon }, { b }) {
    const { series } = this.data;
    const low = Math.min(...series);
    const span = Math.max(...series) - low || 1;
    const width = 400 / series.length;
    const marks = series.map((value, t) => {
      const part = t < b ? "" : t < b + lag ? "x" : t < b + lag + horizon ? "y" : "";
      const colour = { x: "--blue", y: "--vermillion", "": "--line" }[part];
      const top = 130 - (100 * (value - low)) / span;
      const middle = t * width + width / 2;
      return `<rect x="${t * width + 0.75}" y="${top}" width="${width - 1.5}" height="${140 - top}"
          style="fill:var(${colour})"/>
        <text x="${middle}" y="156" text-anchor="middle">${t}</text>
        <text x="${middle}" y="174" text-anchor="middle" font-weight="bold">${part.toUpperCase()}</text>`;
    });
    return `<svg viewBox="0 0 400 180" aria-hidden="true">${marks.join("")}</svg>`;
  }
}
