// What makes the panel quicker. Every page works without it.
// These files are put together in the order of their names, in one scope.

const sprite = () => document.querySelector("use")?.getAttribute("href").split("#")[0] ?? "";

// A text in the page's language: WORDS come with the scripts, by the English text.
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (hole, name) => values[name] ?? hole);
const _ = (text, values = {}) => filled(WORDS[text] ?? text, values);

// The form of a text that goes with a count.
function _n(one, many, count, values = {}) {
  const rules = new Intl.PluralRules(document.documentElement.lang);
  const forms = WORDS[one] ?? [one, many];
  const known = ["zero", "one", "two", "few", "many", "other"].filter((each) => rules.resolvedOptions().pluralCategories.includes(each));
  const place = Math.min(known.indexOf(rules.select(count)), forms.length - 1);
  return filled(forms[place], { count: count.toLocaleString(document.documentElement.lang), ...values });
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `${sprite()}#${name}`);
  svg.append(use);
  return svg;
}

// What is done to elements that are on a page, or come onto it later.
const behaviours = [];

function behave(selector, enliven) {
  behaviours.push([selector, enliven]);
}

// Give life to what has come onto the page, each element once.
function enliven(root) {
  for (const [selector, start] of behaviours) {
    const found = [...root.querySelectorAll(selector)];
    if (root.matches?.(selector)) found.unshift(root);
    for (const each of found) {
      const lives = (each.lives ??= new Set());
      if (lives.has(start)) continue;
      lives.add(start);
      start(each);
    }
  }
}

// Ask the server for something as the page's forms would, and read what it says.
// Throws an Error with words for people where it refuses or cannot be reached.
// With ``pieces`` it may answer with a piece of a page, as {html}.
async function ask(url, fields = null, pieces = false) {
  const given = { headers: { Accept: "application/json" } };
  if (fields) {
    given.method = "POST";
    given.headers["X-CSRF-Token"] = document.querySelector("meta[name=csrf]").content;
    given.body = fields instanceof URLSearchParams || fields instanceof FormData ? fields : new URLSearchParams(fields);
  }
  let answer;
  try {
    answer = await fetch(url, given);
  } catch {
    throw new Error(_("The server cannot be reached. Try again."));
  }
  if (pieces && answer.headers.get("Content-Type")?.includes("html")) return { html: await answer.text() };
  const json = answer.headers.get("Content-Type")?.includes("json");
  const body = json ? await answer.json() : {};
  if (!answer.ok || !json) {
    const error = new Error(body.detail || _("This could not be done. Load the page again."));
    error.status = answer.status;
    error.body = body;
    throw error;
  }
  return body;
}

// Keys that mean something where nothing is being typed.
const shortcuts = new Map();

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = shortcuts.get(event.key);
  if (act && act(event) !== false) event.preventDefault();
});
