// A look-up: the fieldset with its boxes becomes a combobox (WAI-ARIA 1.2, list autocomplete).
class Lookup {
  constructor(root) {
    this.root = root;
    this.many = root.dataset.many === "true";
    this.results = [];
    this.active = -1;
    this.asked = 0;
    this.term = "";
    this.eager = false;
    root.hidden = false;
    const chosen = [...root.querySelectorAll("[data-chosen]")].map((label) => {
      const [title, detail] = this.words(label.querySelector("span"));
      return { key: label.querySelector("input").value, title, detail };
    });
    this.find = root.querySelector("[data-find] input:not([type=hidden])");
    root.querySelectorAll("[data-chosen], [data-offer], [data-find]").forEach((each) => each.remove());
    this.build();
    chosen.forEach((each) => this.add(each));
  }

  words(span) {
    const detail = span.querySelector(".quiet");
    const text = detail ? detail.textContent : "";
    return [span.firstChild.textContent.trim(), text];
  }

  build() {
    const id = `${this.root.id}-options`;
    const legend = this.root.querySelector("legend");
    legend.id = `${this.root.id}-legend`;
    this.chips = element("ul", { class: "chips" });
    this.status = element("span", { class: "unseen", role: "status" });
    this.input = element("input", {
      type: "text", role: "combobox", autocomplete: "off", spellcheck: "false",
      id: `${this.root.id}-combo`, "aria-labelledby": legend.id, "aria-expanded": "false",
      "aria-controls": id, "aria-autocomplete": "list",
      "aria-describedby": this.root.getAttribute("aria-describedby"),
      "aria-invalid": this.root.closest(".wrong") ? "true" : null,
      placeholder: "Type to find",
      // Text that is left here is sent as well, so that it is not lost without a word.
      name: this.find?.name, value: this.find?.value,
    });
    this.list = element("ul", { class: "options", id, role: "listbox", "aria-labelledby": legend.id, hidden: true });
    this.root.append(this.chips, element("div", { class: "combo" }, this.input, this.list), this.status);
    this.root.removeAttribute("aria-describedby");
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("focus", () => { if (this.many || !this.chips.children.length) this.later(0); });
    this.input.addEventListener("click", () => { if (this.list.hidden) this.later(0); });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => this.close());
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[data-index]");
      if (option) this.choose(Number(option.dataset.index));
    });
  }

  // What is on the list answers an older question: nothing of it may be chosen.
  typed() {
    this.asked++;
    this.results = [];
    this.eager = false;
    this.mark(-1);
    this.later();
  }

  later(wait = 150) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), wait);
  }

  async ask() {
    const asked = ++this.asked;
    const term = this.input.value.trim();
    const url = `${this.root.dataset.url}&term=${encodeURIComponent(term)}`;
    let results = [];
    let problem = "";
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" } });
      const body = await answer.json();
      if (answer.ok) results = body.results;
      else problem = body.detail;
    } catch {
      problem = "The server cannot be reached. Try again.";
    }
    // Answers may overtake each other; only the one to the latest question counts.
    if (asked !== this.asked || document.activeElement !== this.input) return;
    const held = new Set(this.keys());
    this.results = results.filter((each) => !held.has(each.key));
    this.term = term;
    this.show(problem);
    if (this.eager && this.results.length) this.choose(0);
    this.eager = false;
  }

  show(problem) {
    this.list.replaceChildren();
    this.results.forEach((each, index) => {
      const option = element("li", { role: "option", id: `${this.list.id}-${index}`, "data-index": index, "aria-selected": "false" }, each.title);
      if (each.detail) option.append(element("span", { class: "quiet" }, each.detail));
      this.list.append(option);
    });
    const words = problem || (this.results.length ? "" : "Nothing found");
    if (words) this.list.append(element("li", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, words));
    this.status.textContent = words || `${this.results.length} found`;
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.mark(this.results.length && this.term ? 0 : -1);
  }

  mark(index) {
    this.active = index;
    [...this.list.children].forEach((each, place) => each.setAttribute("aria-selected", String(place === index)));
    const option = this.list.children[index];
    if (option && index >= 0) {
      this.input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else this.input.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const open = !this.list.hidden;
    const last = this.results.length - 1;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) this.later(0);
      else if (last >= 0) {
        const step = event.key === "ArrowDown" ? 1 : -1;
        this.mark((this.active + step + last + 1 + (this.active < 0 && step < 0 ? 1 : 0)) % (last + 1));
      }
    } else if (event.key === "Enter") {
      // A look-up's Enter chooses; it never sends the form.
      event.preventDefault();
      if (open && this.active >= 0) this.choose(this.active);
      else if (this.input.value.trim() && this.input.value.trim() !== this.term) this.eager = true;
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      this.close();
    } else if (event.key === "Backspace" && this.input.value === "" && this.chips.lastElementChild) {
      this.remove(this.chips.lastElementChild);
    }
  }

  keys() {
    return [...this.chips.querySelectorAll("input")].map((each) => each.value);
  }

  choose(index) {
    if (!this.many) this.chips.replaceChildren();
    const chosen = this.results[index];
    this.add(chosen);
    this.input.value = "";
    this.term = "";
    this.close();
    this.root.dispatchEvent(new Event("change", { bubbles: true }));
    this.status.textContent = `${chosen.title} chosen`;
  }

  add(each) {
    const remove = element("button", { type: "button", "aria-label": `Remove ${each.title}` }, icon("x"));
    const text = element("span", {}, each.title);
    if (each.detail) text.append(" ", element("span", { class: "quiet" }, each.detail));
    const chip = element("li", { class: "chip" }, text, remove,
      element("input", { type: "hidden", name: this.root.dataset.name, value: each.key }));
    remove.addEventListener("click", () => { this.remove(chip); this.input.focus(); });
    this.chips.append(chip);
  }

  remove(chip) {
    this.status.textContent = `${chip.firstChild.textContent} removed`;
    chip.remove();
    this.root.dispatchEvent(new Event("change", { bubbles: true }));
  }

  close() {
    clearTimeout(this.timer);
    this.asked++;
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}

behave("[data-lookup]", (root) => new Lookup(root));
