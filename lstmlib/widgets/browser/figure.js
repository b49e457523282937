// What every interactive figure shares: its inputs, its state in the page's address, drawing again.
// A figure's own file defines `class Component extends Figure` with
//   compute(state) → numbers          the arithmetic of lstmlib, held to it by a test
//   describe(state, numbers) → text   what one sees, in a sentence or two
//   draw(state, numbers) → HTML
// What can have the focus inside the drawing has an id, by which it is found in the next drawing.

const escaped = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

// What is rounded to 0 has no sign.
const show = (number, digits = 2) =>
  (Number(number.toFixed(digits)) + 0).toFixed(digits).replace("-", "−");

const lowered = (number) => String(number).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);

class Figure extends HTMLElement {
  connectedCallback() {
    if (!this.shadowRoot) this.build();
    // where a notebook shows several pages at once, the address is not this figure's to change
    this.ownsAddress = window.top === window && !this.closest("[class^=jp-]");
    window.addEventListener("hashchange", this.follow);
  }

  disconnectedCallback() {
    window.removeEventListener("hashchange", this.follow);
    clearTimeout(this.waiting);
  }

  build() {
    const { title, controls, data } = JSON.parse(this.dataset.figure);
    this.data = data;
    this.controls = new Map(controls.map((control) => [control.name, control]));
    const labelled = controls.filter((control) => control.label);
    this.attachShadow({ mode: "open" }).innerHTML = `
      <style>${STYLE}</style>
      <div class="lstmlib-figure live" role="group" aria-label="${escaped(title)}">
        <div class="controls">${labelled.map(Figure.input).join("")}</div>
        <div class="drawing"></div>
        <div class="words"><p class="said" aria-hidden="true"></p><p class="spoken" role="status"></p></div>
        <p class="actions"><button type="button">Reset</button>
        <a href="#${escaped(this.id)}">Link to this state</a></p>
      </div>
      <slot></slot>`;
    const root = this.shadowRoot;
    this.drawing = root.querySelector(".drawing");
    const changed = (event) => {
      const name = event.target.dataset.set;
      if (name) this.set({ [name]: event.target.value });
    };
    root.addEventListener("input", changed);
    root.addEventListener("change", changed);
    root.querySelector("button").addEventListener("click", () => this.set(this.first));
    this.first = Object.fromEntries(controls.map(({ name, value }) => [name, value]));
    this.state = { ...this.first };
    const linked = this.readAddress();
    this.redraw();
    this.speak();
    this.ready(this.drawing);
    if (linked) {
      this.scrollIntoView({ block: "center" });
      window.addEventListener("load", async () => {
        await window.MathJax?.startup?.promise; // the formulas above, once drawn, have moved it
        this.scrollIntoView({ block: "center" });
      });
    }
  }

  // A link on the page itself leads to another state.
  follow = () => {
    if (!this.readAddress()) return;
    this.redraw();
    this.speak();
    this.scrollIntoView({ block: "nearest" });
  };

  // For a figure that listens to more than its inputs; the drawing's element stays the same.
  ready(_drawing) {}

  static input({ kind, name, label, value, low, high, step, options, longest }) {
    const shared = `data-set="${escaped(name)}"`;
    const range = `min="${low}" max="${high}" step="${step}"`;
    const inputs = {
      slider: () => `<input type="range" ${range} value="${value}" ${shared}>
        <span class="value" data-shows="${escaped(name)}" aria-hidden="true"></span>`,
      number: () => `<input type="number" ${range} value="${value}" ${shared}>`,
      choice: () => `<select ${shared}>${options
        .map((option) => `<option>${escaped(option)}</option>`)
        .join("")}</select>`,
      text: () => `<input type="text" maxlength="${longest}" value="${escaped(value)}" ${shared}
        autocomplete="off" autocapitalize="off" spellcheck="false">`,
    };
    return `<label class="${kind}"><span>${escaped(label)}</span> ${inputs[kind]()}</label>`;
  }

  // The value as the control's kind has it; undefined where it cannot have it.
  accepted(name, value) {
    const control = this.controls.get(name);
    if (!control) return undefined;
    const { kind, low, high, step, options, longest } = control;
    if (kind === "choice") return options.includes(value) ? value : undefined;
    // half of a character, which no address can hold, is left out
    if (kind === "text") return [...value.replace(/\p{Cs}/gu, "")].slice(0, longest).join("");
    if (kind === "hidden") return value;
    if (String(value).trim() === "" || !Number.isFinite(Number(value))) return undefined;
    const inside = Math.min(Math.max(Number(value), low), high);
    if (kind === "number") return inside;
    return Number((low + step * Math.round((inside - low) / step)).toFixed(6));
  }

  // Change some values and draw again.
  set(changes) {
    for (const [name, value] of Object.entries(changes)) {
      const accepted = this.accepted(name, value);
      if (accepted !== undefined) this.state[name] = accepted;
    }
    this.redraw();
    // not at every move of a slider or a pen: browsers refuse an address that changes so often, and
    // nobody listens to so many sentences
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      this.speak();
      if (this.ownsAddress) history.replaceState(null, "", this.address());
    }, 300);
  }

  // Let a screen reader say what the sentence has become.
  speak() {
    const [said, spoken] = this.shadowRoot.querySelectorAll(".words p");
    spoken.textContent = said.textContent;
  }

  // #name&lag=3: what differs from the first state.
  address() {
    const changed = Object.entries(this.state).filter(([name, value]) => value !== this.first[name]);
    const parts = changed.map(([name, value]) => `&${name}=${encodeURIComponent(value)}`);
    return `#${this.id}${parts.join("")}`;
  }

  readAddress() {
    const [id, ...parts] = location.hash.slice(1).split("&");
    if (id !== this.id) return false;
    this.state = { ...this.first };
    for (const part of parts) {
      const [name, ...rest] = part.split("=");
      try {
        const accepted = this.accepted(name, decodeURIComponent(rest.join("=")));
        if (accepted !== undefined) this.state[name] = accepted;
      } catch (error) {
        if (!(error instanceof URIError)) throw error; // a link cut short: what is whole counts
      }
    }
    return true;
  }

  redraw() {
    const root = this.shadowRoot;
    this.numbers = this.compute(this.state);
    const focused = root.activeElement?.id;
    this.drawing.innerHTML = this.draw(this.state, this.numbers);
    if (focused) root.getElementById(focused)?.focus({ preventScroll: true });
    root.querySelector(".said").textContent = this.describe(this.state, this.numbers);
    root.querySelector("a").setAttribute("href", this.address());
    for (const input of root.querySelectorAll(".controls [data-set]")) {
      const value = this.state[input.dataset.set];
      // a number that is being typed is left as it is
      if (input !== root.activeElement || input.type === "range") input.value = value;
    }
    for (const value of root.querySelectorAll("[data-shows]")) {
      value.textContent = String(this.state[value.dataset.shows]).replace("-", "−");
    }
  }
}
