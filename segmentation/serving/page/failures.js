// What to do where an answer does not come.

import { el } from "./dom.js";
import { key } from "./api.js";

const TITLES = {
  0: "The server cannot be reached",
  401: "A key is needed",
  404: "There is nothing here",
  410: "Newer data was published",
  429: "Too many requests",
  503: "The server is busy",
};
const HINTS = {
  0: "It may have been stopped, or the network is down. Nothing is lost: try again.",
  410: "This list began with a publication that is not there any more.",
  429: "Wait a minute, then try again.",
  503: "Others are asking as well. Try again in a moment.",
};

/** Show the page once more. */
export const again = () => document.dispatchEvent(new Event("again"));

/** A panel with what happened and what to do; `retry` tries once more. It is all that a page shows, or a part. */
export function failure(error, retry, isPage = false) {
  if (error.status === undefined) console.error(error);
  if (error.status === 401) return keyForm();
  const title = TITLES[error.status] ?? "This did not work";
  return el("div", { class: "notice", role: "alert" },
    isPage ? el("h1", { tabindex: "-1" }, title) : el("p", { class: "title" }, title),
    el("p", {}, HINTS[error.status] ?? error.message),
    retry ? el("button", { type: "button", click: retry }, "Try again") : null,
  );
}

function keyForm() {
  const refused = key.get() !== null;
  const input = el("input", { id: "key", type: "password", required: true, autocomplete: "off", spellcheck: "false",
    "aria-describedby": "key-hint",
    input: ({ target }) => target.setCustomValidity("") });
  const submit = (event) => {
    event.preventDefault();
    try {
      // What no header can carry is no key.
      new Headers({ Authorization: `Bearer ${input.value.trim()}` });
    } catch {
      input.setCustomValidity("A key has letters, digits and signs only.");
      input.reportValidity();
      return;
    }
    key.set(input.value.trim());
    again();
  };
  return el("form", { class: "notice", submit },
    el("h1", { tabindex: "-1" }, "A key is needed"),
    el("p", { id: "key-hint", role: refused ? "alert" : null },
      refused ? "The server does not know this key. " : "",
      "Whoever runs this server makes one with ", el("code", {}, "segmentation serve --new-key NAME"),
      ". It is kept until this tab is closed."),
    el("label", { for: "key" }, "API key"),
    el("div", { class: "row" }, input, el("button", {}, "Use this key")),
  );
}
