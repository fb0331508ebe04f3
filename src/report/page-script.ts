/** @file The page's own script: theme, readouts of plots and heat maps for pointer and keyboard. The page is whole without it. */

export const PAGE_SCRIPT = `(() => {
const root = document.documentElement;
const stored = (() => { try { return localStorage.getItem('tangedge-theme'); } catch { return null; } })();
const asked = /theme=(dark|light)/.exec(location.hash);
const system = matchMedia('(prefers-color-scheme: dark)');
const button = document.querySelector('.theme');
const isDark = () => (root.dataset.theme || (system.matches ? 'dark' : 'light')) === 'dark';
const label = () => { button.textContent = isDark() ? 'Light' : 'Dark'; button.setAttribute('aria-label', 'Switch to the ' + (isDark() ? 'light' : 'dark') + ' palette'); };
if (asked || stored) root.dataset.theme = asked ? asked[1] : stored;
button.hidden = false; label(); system.addEventListener('change', label);
button.addEventListener('click', () => { root.dataset.theme = isDark() ? 'light' : 'dark'; try { localStorage.setItem('tangedge-theme', root.dataset.theme); } catch {} label(); });

const readout = document.createElement('div');
readout.className = 'readout'; readout.hidden = true; readout.setAttribute('role', 'status'); document.body.append(readout);
const show = (text, left, top) => {
  readout.textContent = text; readout.hidden = false;
  const width = readout.offsetWidth;
  readout.style.left = Math.max(8, Math.min(left + 14, root.clientWidth - width - 8)) + scrollX + 'px';
  readout.style.top = top + scrollY - readout.offsetHeight - 12 + 'px';
};
const hide = () => { readout.hidden = true; };
const toPage = (svg, x, y) => new DOMPoint(x, y).matrixTransform(svg.getScreenCTM());
const toSvg = (svg, event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());

for (const svg of document.querySelectorAll('[data-readouts]')) {
  const points = JSON.parse(svg.dataset.readouts);
  const pin = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
  pin.setAttribute('class', 'pin'); pin.setAttribute('r', '4.5'); pin.setAttribute('visibility', 'hidden'); svg.append(pin);
  let at = 0;
  const point = (index) => {
    at = Math.max(0, Math.min(points.length - 1, index));
    const [x, y, text] = points[at], page = toPage(svg, x, y);
    pin.setAttribute('cx', x); pin.setAttribute('cy', y); pin.setAttribute('visibility', 'visible');
    show(text, page.x, page.y);
  };
  const leave = () => { pin.setAttribute('visibility', 'hidden'); hide(); };
  svg.addEventListener('pointermove', (event) => {
    const { x } = toSvg(svg, event);
    let best = 0;
    points.forEach((candidate, index) => { if (Math.abs(candidate[0] - x) < Math.abs(points[best][0] - x)) best = index; });
    point(best);
  });
  svg.addEventListener('pointerleave', leave);
  svg.addEventListener('blur', leave);
  svg.addEventListener('focus', () => { if (svg.matches(':focus-visible')) point(at); });
  svg.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10 }[event.key];
    const to = step ? at + step : event.key === 'Home' ? 0 : event.key === 'End' ? points.length - 1 : null;
    if (event.key === 'Escape') leave();
    if (to !== null) { event.preventDefault(); point(to); }
  });
}

const digits = (value) => Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3) ? value.toExponential(1) : Number(value.toPrecision(2)).toString();
for (const svg of document.querySelectorAll('[data-heat]')) {
  const { rows, columns, low, high, names } = JSON.parse(svg.dataset.heat);
  const image = svg.querySelector('image');
  let pixels = null;
  const load = async () => {
    const picture = new Image(); picture.src = image.getAttribute('href'); await picture.decode();
    const canvas = document.createElement('canvas'); canvas.width = columns; canvas.height = rows;
    const context = canvas.getContext('2d', { willReadFrequently: true }); context.drawImage(picture, 0, 0);
    pixels = context.getImageData(0, 0, columns, rows).data;
  };
  svg.addEventListener('pointerenter', () => { if (!pixels) load(); }, { once: true });
  svg.addEventListener('pointermove', (event) => {
    const { x, y } = toSvg(svg, event), box = image.getBBox();
    const row = Math.floor((y - box.y) / box.height * rows), column = Math.floor((x - box.x) / box.width * columns);
    if (!pixels || row < 0 || column < 0 || row >= rows || column >= columns) return hide();
    const gray = pixels[4 * (row * columns + column)], value = low + gray / 255 * (high - low);
    const name = (index) => names ? names[index] : String(index);
    const edge = gray === 255 ? '≥ ' : gray === 0 && low < 0 ? '≤ ' : '≈ ';
    show(name(row) + ' × ' + name(column) + ': ' + edge + digits(value), event.clientX, event.clientY);
  });
  svg.addEventListener('pointerleave', hide);
}
})();`;
