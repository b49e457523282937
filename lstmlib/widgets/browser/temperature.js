const SHOWN = 20;
const [LEFT, RIGHT] = [40, 396];
const REST = 0.6; // how far the bar of the rest stands apart, in bars
const withRest = (values) =>
  [...values.slice(0, SHOWN), values.slice(SHOWN).reduce((a, b) => a + b, 0)];

class Component extends Figure {
  compute({ context, tau, k, draws }) {
    const { options, logits, symbols, uniform } = this.data;
    const z = logits[options.indexOf(context)];
    const order = highestFirst(z);
    const kept = order.slice(0, k || undefined);
    const before = softmax(order.map((place) => z[place]));
    const after = new Array(z.length).fill(0);
    softmax(kept.map((place) => z[place] / tau)).forEach((q, row) => (after[row] = q));
    let sum = 0;
    const sums = after.map((q) => (sum += q));
    const counts = new Array(z.length).fill(0);
    for (const u of uniform.slice(0, draws)) counts[sums.findIndex((s) => u < s)] += 1;
    return {
      symbols: order.slice(0, SHOWN).map((place) => symbols[place]),
      kept: kept.length,
      before: withRest(before),
      after: withRest(after),
      counts: withRest(counts),
      entropies: [bits(before), bits(after)],
    };
  }

  describe({ context, tau, k, draws }, { symbols, before, after, counts, entropies }) {
    const likeliest = named(symbols[0]);
    const among = k ? ` among the ${k} likeliest` : "";
    const [first, now] = entropies;
    let said = `After ${context}, at τ = ${show(tau, 1)}${among}, ${likeliest} has ` +
      `probability ${show(after[0])} (${show(before[0])} at τ = 1 among all). The entropy is ` +
      `${show(now)} bits (${show(first)}), the perplexity ${show(2 ** now)} (${show(2 ** first)}).`;
    if (draws) {
      said += ` Of ${draws} draws ${counts[0]} are ${likeliest}; ` +
        `${show(draws * after[0], 1)} are expected.`;
    }
    return said;
  }

  draw({ tau, k, draws }, { symbols, kept, before, after, counts }) {
    const width = (RIGHT - LEFT) / (before.length + REST);
    const shares = counts.map((count) => count / Math.max(draws, 1));
    const most = Math.max(...before, ...after, ...shares);
    const top = [0.1, 0.2, 0.5, 1].find((limit) => most <= limit);
    const grid = [0, top / 2, top].map((share) => {
      const y = 150 - (140 * share) / top;
      return `<path d="M ${LEFT} ${y} H ${RIGHT}" style="stroke:var(--line)"/>
        <text x="${LEFT - 5}" y="${y + 4}" text-anchor="end">${show(share)}</text>`;
    });
    const bars = before.map((p, row) => {
      const x = LEFT + width * (row < SHOWN ? row : row + REST);
      const middle = (x + width / 2).toFixed(1);
      const out = row >= kept;
      const [size, height, share] = [p, after[row], shares[row]].map((v) => (140 * v) / top);
      const drawn = draws && !out
        ? `<path d="M ${(x + width / 2 - 4).toFixed(1)} ${(150 - share).toFixed(1)} l 4 -4 l 4 4 l -4 4 z"
            style="fill:var(--vermillion);stroke:var(--card)"/>
          <text x="${middle}" y="184" text-anchor="middle">${counts[row]}</text>`
        : "";
      return `<rect x="${(x + 4).toFixed(1)}" y="${(150 - height).toFixed(1)}"
          width="${(width - 8).toFixed(1)}" height="${height.toFixed(1)}" style="fill:var(--blue)"/>
        <rect x="${(x + 1.5).toFixed(1)}" y="${(150 - size).toFixed(1)}"
          width="${(width - 3).toFixed(1)}" height="${size.toFixed(1)}"
          style="fill:none;stroke:var(--muted)"/>
        <text x="${middle}" y="166" text-anchor="middle"
          style="fill:var(${out ? "--muted" : "--ink"})">${row < SHOWN ? visible(symbols[row]) : "rest"}</text>
        ${drawn}`;
    });
    const box = "M 1 12 V 1 H 9 V 12 Z";
    const legend = [
      [`<path d="${box}" style="fill:none;stroke:var(--muted)"/>`, "τ = 1, all"],
      [`<path d="${box}" style="fill:var(--blue)"/>`, `τ = ${show(tau, 1)}${k ? `, top ${k}` : ""}`],
      ['<path d="M 0 7 l 5 -5 l 5 5 l -5 5 z" style="fill:var(--vermillion)"/>', `share of ${draws} draws`],
    ].map(([swatch, words]) => `<span style="display:inline-flex;align-items:center;gap:0.4rem">
      <svg viewBox="0 0 10 13" style="width:10px;margin:0" aria-hidden="true">${swatch}</svg>${words}</span>`);
    return `<p style="margin:0 0 0.4rem;display:flex;flex-wrap:wrap;gap:0 1.2rem;
      justify-content:center">${legend.join("")}</p>
      <svg viewBox="0 0 400 190" aria-hidden="true">${grid.join("")}${bars.join("")}</svg>`;
  }
}
