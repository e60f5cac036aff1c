// The command palette: everything by its name. Without this its link leads to a page that does the same.
class Palette {
  constructor(opener) {
    this.url = opener.dataset.palette;
    this.asked = 0;
    this.input = element("input", {
      type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", "aria-expanded": "true",
      "aria-controls": "palette-hits", "aria-autocomplete": "list",
      "aria-label": opener.getAttribute("aria-label"), placeholder: _("Find records, lists, views; > for actions"),
    });
    this.list = element("div", { id: "palette-hits", role: "listbox", "aria-label": opener.getAttribute("aria-label") });
    this.status = element("p", { class: "unseen", role: "status" });
    this.dialog = element("dialog", { class: "palette", "aria-label": opener.getAttribute("aria-label") }, this.input, this.list, this.status);
    document.body.append(this.dialog);
    this.input.addEventListener("input", () => {
      this.asked++;
      this.eager = false;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.fill(), 120);
    });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.dialog.addEventListener("click", (event) => { if (event.target === this.dialog) this.dialog.close(); });
  }

  open() {
    if (this.dialog.open) return;
    this.input.value = "";
    this.list.replaceChildren();
    this.dialog.showModal();
    this.fill();
  }

  get hits() {
    return [...this.list.querySelectorAll("a")];
  }

  async fill() {
    const asked = ++this.asked;
    const term = this.input.value;
    let sections = [];
    let words = _("Nothing is called that.");
    try {
      sections = (await ask(`${this.url}?term=${encodeURIComponent(term)}`)).sections;
    } catch (error) {
      words = error.message;
    }
    // Answers may overtake each other; only the one to the latest question counts.
    if (asked !== this.asked) return;
    this.term = term;
    let index = 0;
    this.list.replaceChildren(...sections.map(({ label, hits }) => element("div", { role: "group", "aria-label": label },
      element("p", { class: "quiet", "aria-hidden": "true" }, label),
      ...hits.map((hit) => element("a", { role: "option", id: `hit-${index++}`, href: hit.href, tabindex: "-1", "aria-selected": "false" },
        icon(hit.icon), element("span", {}, hit.title), hit.detail ? element("span", { class: "quiet" }, hit.detail) : "")))));
    const count = this.hits.length;
    if (!count) this.list.append(element("p", { class: "quiet none" }, words));
    this.status.textContent = count ? _("{count} found", { count }) : words;
    this.mark(0);
    if (this.eager && count) this.go();
    this.eager = false;
  }

  mark(index) {
    const hits = this.hits;
    this.active = hits.length ? (index + hits.length) % hits.length : -1;
    hits.forEach((each, place) => each.setAttribute("aria-selected", String(place === this.active)));
    const hit = hits[this.active];
    if (hit) this.input.setAttribute("aria-activedescendant", hit.id);
    else this.input.removeAttribute("aria-activedescendant");
    hit?.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.mark(this.active + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      // What is listed may answer an older question; Enter waits for its own.
      if (this.term === this.input.value) this.go();
      else this.eager = true;
    }
  }

  go() {
    const hit = this.hits[this.active];
    if (hit) hit.click();
  }
}

behave("[data-palette]", (opener) => {
  let palette;
  const open = () => (palette ??= new Palette(opener)).open();
  opener.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    open();
  });
  document.querySelectorAll("[data-palette-open]").forEach((each) => each.addEventListener("click", (event) => {
    event.preventDefault();
    open();
  }));
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
  shortcuts.set("?", () => peek(opener.dataset.shortcuts));
});

// A page shown on top of this one: the part of it that is made for that.
async function peek(url) {
  const answer = await fetch(url);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const part = page.querySelector("[data-dialog]");
  if (!answer.ok || !part) {
    location.assign(url);
    return;
  }
  const close = element("button", { type: "button", class: "ghost close", "aria-label": _("Close") }, icon("x"));
  const dialog = element("dialog", { class: "peek", "aria-label": part.querySelector("h1").textContent }, close, part);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
}

// Two keys after each other, and those that stand for a link of the page.
let before = "";
document.addEventListener("keydown", (event) => { before = event.key; });
shortcuts.set("h", () => {
  if (before !== "g") return false;
  document.querySelector(".brand a").click();
  return true;
});
function keyed(key) {
  return [...document.querySelectorAll(`main [data-key-${key}]`)].find((each) => each.checkVisibility());
}
for (const key of ["n", "e"]) {
  shortcuts.set(key, () => {
    const link = keyed(key);
    // In a form Tab then begins with its own controls, and not at the top of the page.
    if (key === "e" && link?.href) link.hash = "main";
    link?.click();
    return Boolean(link);
  });
}

behave("[data-copy]", (button) => {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = button.closest(".call").querySelector("pre, .secret, .codes");
    try {
      await navigator.clipboard.writeText(text.value ?? text.innerText);
      button.replaceChildren(icon("check"));
    } catch {
      getSelection().selectAllChildren(text);
    }
  });
});
