// Everything that is shown is made here, of nodes: what data says is text and never markup.

// Texts up to this length are not broken.
export const SHORT = 14;
const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes (functions are listeners, `style` holds custom properties) and children. */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for graphics. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    // The policy forbids the attribute, not this.
    else if (name === "style") Object.entries(value).forEach(([key, one]) => node.style.setProperty(key, one));
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** A table that can be scrolled sideways where it is wider than the window, by keyboard as well. */
export function scrolled(name, table) {
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": name }, table);
}

/** A table of rows; the first cell of each names it. Columns in `right` hold numbers. */
export function table(caption, header, rows, right = []) {
  const kind = (at) => (right.includes(at) ? "number" : null);
  const cell = (row, at) =>
    at ? el("td", { class: kind(at) }, row[at]) : el("th", { scope: "row", class: row[0].length <= SHORT ? "short" : null }, row[0]);
  return scrolled(caption, el("table", {},
    el("caption", {}, caption),
    el("thead", {}, el("tr", {}, header.map((name, at) => el("th", { scope: "col", class: kind(at) }, name)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((_, at) => cell(row, at))))),
  ));
}

/** A part of a page with its heading. */
export function section(title, ...children) {
  const id = `part-${title.toLowerCase().replace(/\W+/g, "-")}`;
  return el("section", { "aria-labelledby": id }, el("h2", { id }, title), children);
}

/** A choice with its label. */
export function choice(name, title, options, chosen, changed) {
  const made = options.map(([value, text]) => el("option", { value, selected: value === chosen }, text));
  const id = `choice-${name.replace(/\W+/g, "-")}`;
  return el("div", { class: "choice" }, el("label", { for: id }, title), el("select", { id, name, change: changed }, made));
}

/** What people who do not see the page are told. */
export function say(sentence) {
  document.getElementById("said").textContent = sentence;
}

/** A place that shows what is asked for as soon as it is there, and what to do where it does not come. */
export function pending(ask, render, failed) {
  const place = el("div", { "aria-busy": "true" });
  const attempt = async () => {
    place.setAttribute("aria-busy", "true");
    place.replaceChildren(el("p", { class: "loading" }, "Loading …"));
    let shown;
    try {
      shown = render(await ask());
    } catch (error) {
      if (error.name === "AbortError") return;
      shown = failed(error, attempt);
    }
    place.replaceChildren(...[shown].flat(Infinity).filter(Boolean));
    place.setAttribute("aria-busy", "false");
  };
  attempt();
  return place;
}
