// Which page is shown, and what stands above it: the address after the # says it, so it can be shared.

import { key, leave, readiness } from "./api.js";
import { customer, unknown } from "./customer.js";
import { el, say } from "./dom.js";
import { again, failure } from "./failures.js";
import { movements } from "./movements.js";
import { overview } from "./overview.js";
import { people } from "./people.js";
import { day, span, toCustomer } from "./words.js";

const TITLE = document.title;
const LOOK_EVERY = 30_000;
const CUSTOMER = "#/customer/";
const [main, published, newer, forget] = ["main", "published", "newer", "forget"].map((id) => document.getElementById(id));
const search = document.querySelector("form.search");
const PAGES = { "/": overview, "/customers": people, "/movements": movements };
let version = null;
let shown = 0;

/** The page of the address. */
async function show({ isFirst = false } = {}) {
  leave();
  const mine = ++shown;
  const hash = location.hash || "#/";
  mark(hash);
  main.setAttribute("aria-busy", "true");
  const loading = setTimeout(() => mine === shown && main.replaceChildren(el("p", { class: "loading" }, "Loading …")), isFirst ? 0 : 150);
  const nodes = await made(hash);
  clearTimeout(loading);
  if (mine !== shown || nodes === null) return;
  main.replaceChildren(...nodes.filter(Boolean));
  main.setAttribute("aria-busy", "false");
  const heading = main.querySelector("h1");
  document.title = heading ? `${heading.textContent.slice(0, 100)} · ${TITLE}` : TITLE;
  forget.hidden = key.get() === null;
  if (!isFirst) {
    window.scrollTo(0, 0);
    (main.querySelector("#key") ?? heading ?? main).focus({ preventScroll: true });
  }
}

async function made(hash) {
  const id = hash.startsWith(CUSTOMER) ? decoded(hash.slice(CUSTOMER.length)) : null;
  try {
    if (id !== null) return await customer(id);
    const [path, query] = hash.slice(1).split("?");
    const page = PAGES[path];
    return page ? await page(new URLSearchParams(query)) : nowhere();
  } catch (error) {
    if (error.name === "AbortError") return null;
    if (id !== null && error.status === 404) return unknown(id);
    say(error.message);
    return [failure(error, again, true)];
  }
}

function nowhere() {
  say("There is no such page.");
  return [el("h1", { tabindex: "-1" }, "There is no such page"), el("p", {}, el("a", { href: "#/" }, "To the segments"))];
}

/** Where somebody wrote the address by hand, it may not be encoded. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function mark(hash) {
  for (const link of document.querySelectorAll("nav a")) {
    const isHere = link.getAttribute("href") === hash.split("?")[0];
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  search.elements.wanted.value = hash.startsWith(CUSTOMER) ? decoded(hash.slice(CUSTOMER.length)) : "";
}

/** What is published, and how old it is. */
async function look() {
  let told;
  try {
    told = await readiness();
  } catch (error) {
    published.className = "warning";
    published.textContent = error.message;
    return;
  }
  version ??= told.version;
  newer.hidden = told.version === version;
  published.className = told.ready ? "" : "warning";
  const age = `${span(told.age_seconds)} old${told.ready ? "" : `, older than the ${span(told.error_after_seconds)} allowed`}`;
  published.replaceChildren("As of ", el("strong", {}, day(told.as_of)), `; ${age}; version `, el("code", {}, told.version));
}

search.addEventListener("submit", (event) => {
  event.preventDefault();
  const wanted = toCustomer(search.elements.wanted.value);
  if (location.hash === wanted) show();
  else location.hash = wanted;
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
newer.addEventListener("click", () => {
  version = null;
  look();
  show();
});
forget.addEventListener("click", () => {
  key.forget();
  show();
});
document.addEventListener("again", () => show());
document.addEventListener("visibilitychange", () => document.hidden || look());
window.addEventListener("hashchange", () => show());
setInterval(() => document.hidden || look(), LOOK_EVERY);
look();
show({ isFirst: true });
