// The modules drawn as a graph. It is laid out anew only when modules or dependencies change; states are shown in place,
// so that focus and pointer stay where they are.

import { setText, svg } from "./dom.js";
import { closure, kNodeHeight, kNodeWidth, layOut } from "./layout.js";
import { nowMs, span } from "./time.js";

const kMargin = 3;
const kNameCharacters = 18;

export class Graph {
  /** Draws in the svg element `root`, which can be scrolled in `frame`. */
  constructor(root, frame) {
    this.root = root;
    this.frame = frame;
    this.shape = "";
    this.nodes = new Map();
    this.lines = [];
    this.needs = new Map();
    this.modules = [];
    // On the frame: an svg element that listens for the focus would itself take it.
    for (const [event, lit] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]]) {
      frame.addEventListener(event, ({ target }) => {
        const name = target.closest("a")?.dataset.name;
        if (name) this.light(lit ? name : null);
      });
    }
    new ResizeObserver(() => this.show(this.modules)).observe(frame);
  }

  show(modules) {
    this.modules = modules;
    const room = this.frame.clientWidth - 2 * kMargin;
    const shape = JSON.stringify([room, modules.map(({ name, dependencies }) => [name, dependencies])]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.draw(room);
    }
    const states = new Map(modules.map((module) => [module.name, module.state]));
    for (const module of modules) showNode(this.nodes.get(module.name), module);
    for (const { element, from, to } of this.lines) {
      element.classList.toggle("idle", states.get(from) !== "running" || states.get(to) !== "running");
    }
  }

  /** To be called each second: how long each module is in its state. */
  tick() {
    for (const module of this.modules) showNode(this.nodes.get(module.name), module);
  }

  draw(room) {
    const { width, height, nodes, lines } = layOut(this.modules, room);
    this.needs = closure(this.modules);
    this.lines = lines.map(({ from, to, path }) => ({ from, to, element: svg("path", { class: "line", d: path }) }));
    this.nodes = new Map(nodes.map(({ name, x, y }) => [name, nodeElement(name, x, y)]));
    const [w, h] = [width + 2 * kMargin, height + 2 * kMargin];
    this.root.setAttribute("width", w);
    this.root.setAttribute("height", h);
    this.root.setAttribute("viewBox", `${-kMargin} ${-kMargin} ${w} ${h}`);
    // In the order of the modules, dependencies first: that is the order of the tab key.
    const ordered = this.modules.map(({ name }) => this.nodes.get(name));
    this.root.replaceChildren(...this.lines.map(({ element }) => element), ...ordered);
  }

  /** Shows what a module needs and what needs it; all alike when there is none. */
  light(name) {
    const related = (other) => other === name || this.needs.get(name).has(other) || this.needs.get(other).has(name);
    for (const [other, node] of this.nodes) node.classList.toggle("dim", name !== null && !related(other));
    for (const { element, from, to } of this.lines) {
      const lit = name !== null && related(from) && related(to);
      element.classList.toggle("lit", lit);
      element.classList.toggle("dim", name !== null && !lit);
    }
  }
}

function nodeElement(name, x, y) {
  const short = name.length > kNameCharacters ? `${name.slice(0, kNameCharacters - 1)}…` : name;
  return svg("a", { class: "module", href: `#module-${encodeURIComponent(name)}`, "data-name": name, transform: `translate(${x} ${round(y)})` },
    svg("title"),
    svg("rect", { class: "box", width: kNodeWidth, height: kNodeHeight, rx: 6 }),
    svg("use", { class: "icon", href: "", x: 9, y: 15, width: 14, height: 14 }),
    svg("text", { class: "name", x: 30, y: 19 }, short),
    svg("text", { class: "detail", x: 30, y: 35 }));
}

function showNode(node, { name, state, since, restarts, dependencies, error }) {
  const age = span(nowMs() - Date.parse(since));
  node.setAttribute("class", `module ${state}${node.classList.contains("dim") ? " dim" : ""}`);
  node.querySelector("use").setAttribute("href", `#icon-${state}`);
  setText(node.querySelector(".detail"), restarts ? `${state} · ${restarts} restarts` : `${state} · ${age}`);
  const needs = dependencies.length ? `needs ${dependencies.join(", ")}` : "needs nothing";
  node.setAttribute("aria-label", `${name}: ${state}, ${needs}${error ? `, ${error}` : ""}`);
  setText(node.querySelector("title"), `${name}: ${state} for ${age}${error ? `\n${error}` : ""}`);
}

function round(number) {
  return Math.round(number * 10) / 10;
}
