// A look-up: the fieldset with its boxes becomes a combobox (WAI-ARIA 1.2, list autocomplete).
class Lookup {
  constructor(root) {
    this.root = root;
    this.many = root.dataset.many === "true";
    this.results = this.shown = [];
    this.active = -1;
    this.asked = 0;
    this.term = "";
    this.eager = false;
    root.hidden = false;
    const chosen = [...root.querySelectorAll("[data-chosen]")].map((label) => {
      const span = label.querySelector("span");
      const title = span.firstChild.textContent.trim();
      return { key: label.querySelector("input").value, title, detail: span.querySelector(".quiet")?.textContent ?? "" };
    });
    this.find = root.querySelector("[data-find] input:not([type=hidden])");
    root.querySelectorAll("[data-chosen], [data-offer], [data-find]").forEach((each) => each.remove());
    this.build();
    chosen.forEach((each) => this.add(each));
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
      placeholder: _("Type to find"),
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
    // What is pressed is what was seen, even if other answers take its place meanwhile.
    let pressed;
    const seen = (event) => this.shown[event.target.closest("[data-index]")?.dataset.index];
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      pressed = seen(event);
    });
    this.list.addEventListener("click", (event) => this.choose(pressed ?? seen(event)));
  }

  // What is on the list answers an older question: no key may choose of it.
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
    let results = [];
    let problem = "";
    try {
      results = (await ask(`${this.root.dataset.url}&term=${encodeURIComponent(term)}`)).results;
    } catch (error) {
      problem = error.message;
    }
    // Answers may overtake each other; only the one to the latest question counts.
    if (asked !== this.asked || document.activeElement !== this.input) return;
    const held = new Set(this.keys());
    this.results = results.filter((each) => !held.has(each.key));
    this.term = term;
    const found = this.results.length;
    const words = problem || (found ? "" : _("Nothing found"));
    const { new: noun } = this.root.dataset;
    if (noun && !problem) {
      this.results.push({ make: true, title: term ? _("Create “{text}”…", { text: term }) : _("Create {noun}…", { noun }) });
    }
    this.show(found, words);
    if (this.eager) this.choose(this.results[0]);
    this.eager = false;
  }

  show(found, words) {
    this.shown = this.results;
    this.list.replaceChildren();
    if (words) this.list.append(element("li", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, words));
    this.results.forEach((each, index) => {
      const option = element("li", { role: "option", id: `${this.list.id}-${index}`, "data-index": index, "aria-selected": "false" });
      if (each.make) {
        option.className = "make";
        option.append(icon("plus"));
      }
      option.append(each.title);
      if (each.detail) option.append(element("span", { class: "quiet" }, each.detail));
      this.list.append(option);
    });
    this.status.textContent = words || _("{count} found", { count: found });
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.mark(this.results.length && this.term ? 0 : -1);
  }

  mark(index) {
    this.active = index;
    let option = null;
    for (const each of this.list.children) {
      const marked = Number(each.dataset.index ?? -2) === index;
      each.setAttribute("aria-selected", String(marked));
      if (marked) option = each;
    }
    if (option) {
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
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      // A look-up's Enter chooses; it never sends the form.
      event.preventDefault();
      if (open && this.active >= 0) this.choose(this.results[this.active]);
      else if (this.input.value.trim() && this.input.value.trim() !== this.term) this.eager = true;
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if (event.key === "Backspace" && this.input.value === "" && this.chips.lastElementChild) {
      this.remove(this.chips.lastElementChild);
    }
  }

  keys() {
    return [...this.chips.querySelectorAll("input")].map((each) => each.value);
  }

  async choose(chosen) {
    if (!chosen) return;
    if (chosen.make) {
      const { aside: url, title } = this.root.dataset;
      const term = this.input.value.trim();
      this.close();
      chosen = await aside(`${url}?${new URLSearchParams(term ? { [title]: term } : {})}`, this.input);
      if (!chosen) return;
    }
    if (!this.many) this.chips.replaceChildren();
    this.add(chosen);
    this.input.value = "";
    this.term = "";
    this.close();
    this.root.dispatchEvent(new Event("change", { bubbles: true }));
    this.status.textContent = _("{title} chosen", chosen);
  }

  add(each) {
    const { aside: url } = this.root.dataset;
    const open = url ? element("button", { type: "button", class: "open", "aria-haspopup": "dialog" }) : element("span");
    const remove = element("button", { type: "button" }, icon("x"));
    const name = (shown) => {
      open.replaceChildren(shown.title);
      if (shown.detail) open.append(" ", element("span", { class: "quiet" }, shown.detail));
      remove.setAttribute("aria-label", _("Remove {title}", shown));
      chip.dataset.text = shown.title;
    };
    const chip = element("li", { class: "chip" }, open, remove,
      element("input", { type: "hidden", name: this.root.dataset.name, value: each.key }));
    name(each);
    if (url) open.addEventListener("click", async () => {
      const saved = await aside(`${url}/${encodeURIComponent(each.key)}?`, open);
      if (saved) name(saved);
    });
    remove.addEventListener("click", () => { this.remove(chip); this.input.focus(); });
    this.chips.append(chip);
  }

  remove(chip) {
    this.status.textContent = _("{title} removed", { title: chip.dataset.text });
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
