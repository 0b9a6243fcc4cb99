// Creates elements without markup: text from a server is never parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

/// Creates an element with attributes, event listeners (`onclick`) and children, which are elements
/// or text.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  set(element, attributes);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/// Creates an SVG element in the same way.
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

/// Creates one of the icons of the page's template. Its meaning is always shown beside it as text.
export function icon(name) {
  return draw("svg", { class: "icon", "aria-hidden": "true" }, draw("use", { href: `#icon-${name}` }));
}

let ids = 0;

/// Returns a new id, for labels and descriptions to refer to.
export function freshId(prefix) {
  ids += 1;
  return `${prefix}-${ids}`;
}

/// Sets a text only if it differs, so that screen readers do not announce it again.
export function say(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
