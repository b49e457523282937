// lstmlib's arithmetic in double precision; a matrix is {shape: [rows, columns], values: Float64Array}.

const sigmoid = (z) => 1 / (1 + Math.exp(-z));

const times = ({ shape: [rows, columns], values }, x) => {
  const product = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let k = 0; k < columns; k++) sum += values[r * columns + k] * x[k];
    product[r] = sum;
  }
  return product;
};

// One step of an LSTM for one example: eq-lstm-gates, eq-lstm-cell, eq-lstm-output.
const lstmStep = ({ W_x, W_h, b }, x, h, c) => {
  const H = h.length;
  const [fromInput, fromState] = [times(W_x, x), times(W_h, h)];
  const z = Array.from(fromInput, (value, k) => value + fromState[k] + b.values[k]);
  const i = z.slice(0, H).map(sigmoid);
  const f = z.slice(H, 2 * H).map(sigmoid);
  const g = z.slice(2 * H, 3 * H).map(Math.tanh);
  const o = z.slice(3 * H).map(sigmoid);
  const cNew = i.map((_, k) => f[k] * c[k] + i[k] * g[k]);
  return { z, i, f, g, o, c: cNew, h: o.map((gate, k) => gate * Math.tanh(cNew[k])) };
};

const softmax = (z) => {
  const highest = Math.max(...z);
  const e = Array.from(z, (value) => Math.exp(value - highest));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((value) => value / sum);
};

// What lstmlib.widgets.weights.pack wrote: half precision, exact in double.
const unpack = ({ shape, float16 }) => {
  const bytes = Uint8Array.from(atob(float16), (c) => c.charCodeAt(0));
  const half = new DataView(bytes.buffer);
  const values = Float64Array.from({ length: bytes.length / 2 }, (_, k) => {
    const bits = half.getUint16(2 * k, true);
    const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : (2 ** -14 * fraction) / 1024;
    return bits >> 15 ? -size : size;
  });
  return { shape, values };
};
