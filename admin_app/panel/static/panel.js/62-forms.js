// A record's form: what has changed in it, and nothing of that gets lost.
const DRAFT = "draft:";
const KEPT_FOR = 7 * 86400e3;
const LEFT_OUT = /^_(csrf|once|then|restore|find)$/;

function forget(test) {
  for (const key of Object.keys(localStorage)) if (key.startsWith(DRAFT) && test(key)) localStorage.removeItem(key);
}

function openTab(inside) {
  const leaf = inside?.closest("[data-tab]");
  if (leaf?.hidden) leaf.show();
}

class RecordForm {
  constructor(form) {
    this.form = form;
    this.key = DRAFT + form.dataset.draft;
    this.sent = false;
    // Once look-ups and the like have been built, by what comes after this file.
    queueMicrotask(() => this.begin());
  }

  begin() {
    this.first = this.states();
    const tell = () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.keep(), 300);
      this.count();
    };
    this.form.addEventListener("input", tell);
    this.form.addEventListener("change", tell);
    this.form.addEventListener("submit", () => {
      this.keep();
      this.sent = true;
      sessionStorage.setItem("sent", this.key);
    });
    addEventListener("pageshow", () => { this.sent = false; });
    addEventListener("beforeunload", (event) => {
      if (this.changes && !this.sent && this.form.isConnected) event.preventDefault();
    });
    this.form.querySelector("[data-discard]")?.addEventListener("click", () => {
      this.sent = true;
      localStorage.removeItem(this.key);
      location.replace(location.pathname + location.search);
    });
    const user = this.key.split(":", 2).join(":");
    forget((key) => !key.startsWith(`${user}:`) || Date.now() - (JSON.parse(localStorage[key]).at ?? 0) > KEPT_FOR);
    this.count();
    this.offer();
    this.arrive();
  }

  // Who makes a record begins to type at once; on a phone that would cover the form.
  arrive() {
    const first = this.form.querySelector("[data-question] :is(input:not([type=hidden]), textarea, select)");
    const made = this.key.endsWith(":") && document.activeElement === document.body && matchMedia("(pointer: fine)").matches;
    if (made && first?.getAttribute("role") !== "combobox") first?.focus({ preventScroll: true });
  }

  // What each question would send.
  states() {
    const found = new Map();
    for (const each of this.form.querySelectorAll("[data-question]")) {
      if (each.parentElement.closest("[data-question]")) continue;
      const controls = [...each.querySelectorAll("input, select, textarea")].filter((one) => one.name && !one.disabled);
      const said = controls.filter((one) => !/checkbox|radio/.test(one.type) || one.checked);
      found.set(each, said.map((one) => `${one.name}=${one.value}`).join("\n"));
    }
    return found;
  }

  count() {
    const now = this.states();
    const gone = [...this.first.keys()].filter((each) => !now.has(each)).length;
    this.changes = gone + [...now].filter(([each, state]) => "changed" in each.dataset || this.first.get(each) !== state).length;
    const bar = this.form.querySelector("[data-bar]");
    if (!bar) return;
    bar.classList.toggle("stuck", this.changes > 0);
    bar.querySelector("[data-discard]").hidden = !this.changes;
    bar.querySelector("[data-cancel]").hidden = this.changes > 0;
    bar.querySelector("[data-count]").textContent = !this.changes ? "" : _n("{count} change", "{count} changes", this.changes);
  }

  // No secrets and no files; what it was opened with comes along, so that a merge is still possible.
  fields() {
    const secret = new Set([...this.form.querySelectorAll("[type=password], .is-secret textarea")].map((each) => each.name));
    return [...new FormData(this.form)].filter(([name, value]) => typeof value === "string" && !LEFT_OUT.test(name) && !secret.has(name));
  }

  keep() {
    clearTimeout(this.timer);
    if (this.sent) return;
    try {
      if (this.changes) localStorage.setItem(this.key, JSON.stringify({ at: Date.now(), fields: this.fields() }));
      else if (!this.old) localStorage.removeItem(this.key);
    } catch {
      // No room: then there is no draft.
    }
  }

  offer() {
    const text = localStorage.getItem(this.key);
    if (!text || this.form.querySelector("[data-changed]")) return;
    const typed = (pairs) => JSON.stringify(pairs.filter(([name]) => !name.startsWith("_")));
    this.old = JSON.parse(text);
    if (typed(this.old.fields) === typed(this.fields())) return localStorage.removeItem(this.key);
    const restore = element("button", { type: "button" }, _("Restore what you typed"));
    const drop = element("button", { type: "button", class: "ghost" }, _("Throw it away"));
    const at = new Date(this.old.at).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
    const box = element("div", { class: "banner warn", role: "status" }, icon("clock"),
      element("div", {}, element("p", {}, _("What you typed here was not saved: {at}.", { at })), element("p", { class: "actions" }, restore, drop)));
    restore.addEventListener("click", () => this.restore());
    drop.addEventListener("click", () => {
      this.old = null;
      localStorage.removeItem(this.key);
      box.remove();
    });
    this.form.before(box);
  }

  // The server shows the form with it, whatever the form is made of.
  restore() {
    const form = element("form", { method: "post", hidden: true });
    const token = this.form.querySelector("[name=_csrf]").value;
    for (const [name, value] of [...this.old.fields, ["_csrf", token], ["_restore", "1"]]) {
      const field = element("textarea", { name });
      field.value = value;
      form.append(field);
    }
    document.body.append(form);
    this.sent = true;
    form.submit();
  }
}

behave("[data-record-form]", (form) => { if (form.dataset.draft) new RecordForm(form); });

// A draft is done with when its form is: the next page says so.
const sentForm = sessionStorage.getItem("sent");
if (sentForm && document.querySelector("meta[name=csrf]")) {
  sessionStorage.removeItem("sent");
  if (document.querySelector("[data-toast]")) localStorage.removeItem(sentForm);
}
behave("form[action$='/logout']", (form) => form.addEventListener("submit", () => forget(() => true)));

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
  const form = event.target.closest?.("[data-record-form]") ?? document.querySelector("main [data-record-form]");
  const button = form?.querySelector({ s: "[data-save-stay]", Enter: "[data-save]" }[event.key] ?? "nothing");
  if (!button) return;
  event.preventDefault();
  form.requestSubmit(button);
});

// From record to record; in a list, from row to row.
for (const [key, rel, step] of [["j", "next", 1], ["k", "prev", -1]]) {
  shortcuts.set(key, () => {
    const rows = [...document.querySelectorAll("[data-list] tbody tr")];
    const place = Math.max(rows.indexOf(document.activeElement.closest("tr")) + step, 0);
    const link = document.querySelector(`.walk [rel=${rel}]`);
    link?.click();
    rows[place]?.querySelector("th a").focus();
    return Boolean(link ?? rows[place]);
  });
}

// Tabs: without this all of them stand below each other.
behave("[data-record-form]", (form) => {
  const leaves = [...form.querySelectorAll(":scope > [data-tab]")];
  if (leaves.length < 2) return;
  const list = element("div", { class: "tabs", role: "tablist" });
  const tabs = leaves.map((leaf) => {
    const tab = element("button", { type: "button", role: "tab", id: `${leaf.id}-tab`, "aria-controls": leaf.id }, leaf.dataset.tab);
    if (leaf.dataset.faults !== "0") tab.append(" ", element("span", { class: "label bad" }, leaf.dataset.faults));
    leaf.querySelector("[data-tab-title]").hidden = true;
    leaf.setAttribute("role", "tabpanel");
    leaf.setAttribute("aria-labelledby", tab.id);
    leaf.show = () => leaves.forEach((each, place) => {
      each.hidden = each !== leaf;
      tabs[place].setAttribute("aria-selected", String(each === leaf));
      tabs[place].tabIndex = each === leaf ? 0 : -1;
    });
    tab.addEventListener("click", leaf.show);
    return tab;
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
  });
  list.append(...tabs);
  leaves[0].before(list);
  (leaves.find((each) => each.dataset.faults !== "0") ?? leaves[0]).show();
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (link) openTab(document.getElementById(link.hash.slice(1)));
});

// Questions that are asked only where another is answered so.
behave("[data-when]", (question) => {
  const form = question.closest("form");
  const values = JSON.parse(question.dataset.values);
  const others = () => [...form.elements].filter((each) => each.name === question.dataset.when);
  const look = () => {
    const said = others().filter((each) => !/checkbox|radio/.test(each.type) || each.checked).at(-1)?.value;
    const asked = values.includes(said) || question.classList.contains("wrong");
    question.hidden = !asked;
    question.querySelectorAll("input, select, textarea").forEach((each) => { each.disabled = !asked; });
  };
  question.querySelector("[data-condition]").hidden = true;
  form.addEventListener("change", look);
  look();
});

// JSON is laid out anew without touching what is in it: a number keeps all its digits.
function laidOut(text) {
  JSON.parse(text);
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s[\]{}:,"]+/g);
  let depth = 0;
  let made = "";
  tokens.forEach((token, place) => {
    const line = () => `\n${"  ".repeat(depth)}`;
    const empty = /^[[{]$/.test(tokens[place - 1] ?? "");
    if (/^[\]}]$/.test(token)) {
      depth--;
      made += empty ? token : line() + token;
    } else {
      if (empty) made += line();
      made += token === ":" ? ": " : token;
      if (/^[[{]$/.test(token)) depth++;
      if (token === ",") made += line();
    }
  });
  return made;
}

behave("[data-tidy]", (button) => {
  const area = document.getElementById(button.dataset.tidy);
  button.hidden = false;
  const told = element("span", { class: "help", role: "status" });
  button.after(told);
  button.addEventListener("click", () => {
    told.textContent = "";
    try {
      if (area.value.trim()) area.value = laidOut(area.value);
      area.dispatchEvent(new Event("input", { bubbles: true }));
    } catch (error) {
      told.textContent = _("This is not JSON: {why}", { why: error.message });
    }
  });
});

// Who changes their own answer once more, in a merge, means it.
behave(".choice", (choice) => {
  const mine = choice.querySelector("[value=mine][type=radio]");
  const take = (event) => { if (event.target.closest("[data-question]")) mine.checked = true; };
  choice.addEventListener("input", take);
  choice.addEventListener("change", take);
});

// Who else is here: a hint, asked for while the page is looked at.
behave("[data-editing]", (form) => {
  const url = form.dataset.editing;
  const here = document.querySelector("[data-here]");
  let beat;
  const say = async () => {
    if (document.hidden) return;
    try {
      const { words } = await ask(url, {});
      here.hidden = !words;
      here.lastElementChild.textContent = words;
    } catch (error) {
      if (error.status) clearInterval(beat);
    }
  };
  beat = setInterval(say, 20000);
  say();
  addEventListener("pagehide", () => {
    clearInterval(beat);
    const headers = { "X-CSRF-Token": document.querySelector("meta[name=csrf]").content };
    fetch(url, { method: "POST", keepalive: true, headers, body: new URLSearchParams({ left: "1" }) }).catch(() => {});
  });
});
