// Small tools to make and change elements. Text from the daemon only ever becomes text nodes and attribute values.

const kSvg = "http://www.w3.org/2000/svg";

/** An HTML element; strings among the children become text, and what is empty ("", null, false) is left out. */
export function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(kSvg, tag), attributes, children);
}

/** The shape of a state. It is decoration: the word stands beside it. */
export function icon(name) {
  return svg("svg", { class: `icon ${name}`, "aria-hidden": "true" }, svg("use", { href: `#icon-${name}` }));
}

/** The shape and the word of a state. `shape` is for states that share one. */
export function badge(state, shape = state) {
  return html("span", { class: `badge ${shape}` }, icon(shape), state);
}

export function byId(id) {
  return document.getElementById(id);
}

/** Does not touch what has the text already, so that selections and screen readers are left alone. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Makes the children of `parent` those of `items`, in their order. An element lives as long as its key is there, and `show`
 * is called only when its item is new or has changed: focus, selection and what a user unfolded stay.
 */
export function keyed(parent, items, keyOf, create, show) {
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  const nodes = items.map((item) => {
    const key = String(keyOf(item));
    const node = old.get(key) ?? create(item);
    old.delete(key);
    node.dataset.key = key;
    const text = JSON.stringify(item);
    if (shown.get(node) !== text) {
      shown.set(node, text);
      show(node, item);
    }
    return node;
  });
  for (const node of old.values()) node.remove();
  let at = parent.firstElementChild;
  for (const node of nodes) {
    if (node === at) {
      at = at.nextElementSibling;
    } else {
      parent.insertBefore(node, at);
    }
  }
}
const shown = new WeakMap();

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child || child === 0));
  return element;
}
