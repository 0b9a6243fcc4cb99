// Elements, made without markup: what a server says is text here, never HTML.

const SVG = "http://www.w3.org/2000/svg";

/// An element with attributes, event listeners (`onclick`) and children, which are elements or text.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  set(element, attributes);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/// The same for pictures.
export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  set(element, attributes);
  element.append(...children);
  return element;
}

export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), value);
    } else if (value === false || value === null || value === undefined) {
      element.removeAttribute(name);
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
}

/// One of the pictures in the page's template. What it means stands beside it as text.
export function icon(name) {
  return draw("svg", { class: "icon", "aria-hidden": "true" }, draw("use", { href: `#icon-${name}` }));
}

let ids = 0;

/// A new id for labels and descriptions to point to.
export function freshId(prefix) {
  ids += 1;
  return `${prefix}-${ids}`;
}

/// Sets a text only where it differs, so that screen readers do not read it again.
export function say(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
