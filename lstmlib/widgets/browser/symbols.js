// Symbols of a character model: as they are drawn, and as a sentence names them.

const visible = (symbol) => escaped({ "\n": "↵", " ": "␣" }[symbol] ?? symbol);

const named = (symbol) => ({ "\n": "a line break", " ": "a space" })[symbol] ?? `“${symbol}”`;

// Places in order of their values, the highest first; equal ones stay as they are.
const highestFirst = (values) =>
  Array.from(values, (_, k) => k).sort((a, b) => values[b] - values[a]);

// Entropy of a distribution; what has probability 0 adds nothing.
const bits = (p) => p.reduce((sum, q) => sum + (q > 0 ? q * Math.log2(1 / q) : 0), 0);
