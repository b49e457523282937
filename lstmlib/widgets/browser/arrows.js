// A straight arrow as SVG, in one of the colours of figure.css, such as "--blue".
const arrow = ([x, y], [xTip, yTip], colour, width = 1.5, dashed = false) => {
  const length = Math.hypot(xTip - x, yTip - y);
  const [alongX, alongY] = [(xTip - x) / length, (yTip - y) / length];
  const [head, half] = [4 + width, 2 + width];
  const [xNeck, yNeck] = [xTip - head * alongX, yTip - head * alongY];
  const at = (...place) => place.map((number) => number.toFixed(1)).join(" ");
  const dash = dashed ? ";stroke-dasharray:3 3" : "";
  return `<path d="M${at(x, y)}L${at(xNeck, yNeck)}"
      style="stroke:var(${colour});stroke-width:${width.toFixed(1)}${dash}"/>
    <path d="M${at(xTip, yTip)}L${at(xNeck - half * alongY, yNeck + half * alongX)}L${
      at(xNeck + half * alongY, yNeck - half * alongX)}Z" style="fill:var(${colour})"/>`;
};
