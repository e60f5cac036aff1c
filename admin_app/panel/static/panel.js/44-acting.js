// Ticked rows: what can be done with them takes the place of the toolbar.
behave("[data-selection]", (bar) => {
  const toolbar = document.querySelector(".toolbar");
  const boxes = [...document.querySelectorAll(`input[name=key][form="${bar.id}"]`)];
  const every = bar.querySelector("[name=all]");
  const said = bar.querySelector("[data-chosen]");
  const clear = bar.querySelector("[data-clear]");
  const head = document.querySelector("thead .pick");
  const page = head?.querySelector("input") ?? element("input", { type: "checkbox", "aria-label": _("Select every row of this page") });
  let last = null;
  if (!toolbar || !boxes.length) return;
  if (head && !page.isConnected) head.replaceChildren(page);
  toolbar.append(bar);
  clear.hidden = false;
  // Where rows are cards, their boxes come when they are asked for.
  const sheet = boxes[0].closest(".sheet-of-rows");
  const choose = element("button", { type: "button", class: "choose", "aria-pressed": "false" }, _("Select"));
  const picking = (on) => {
    sheet.classList.toggle("picking", on);
    choose.setAttribute("aria-pressed", String(on));
  };
  choose.addEventListener("click", () => picking(!sheet.classList.contains("picking")));
  toolbar.querySelector(".tools")?.append(choose);

  function show() {
    const ticked = boxes.filter((each) => each.checked).length;
    const whole = ticked === boxes.length;
    if (every && !whole) every.checked = false;
    if (every) every.closest("label").hidden = !whole;
    page.checked = whole;
    page.indeterminate = ticked > 0 && !whole;
    toolbar.classList.toggle("selecting", ticked > 0);
    boxes.forEach((each) => each.closest("tr").classList.toggle("chosen", each.checked));
    said.textContent = !ticked ? "" : every?.checked ? _("All selected") : _("{count} selected", { count: ticked });
  }
  function tick(which, on) {
    which.forEach((each) => { each.checked = on; });
    show();
  }
  page.addEventListener("change", () => tick(boxes, page.checked));
  every?.addEventListener("change", show);
  clear.addEventListener("click", () => {
    tick(boxes, false);
    picking(false);
    (choose.offsetParent ? choose : page).focus();
  });
  boxes.forEach((box, place) => {
    box.addEventListener("click", (event) => {
      if (event.shiftKey && last !== null) {
        const [from, to] = [Math.min(last, place), Math.max(last, place)];
        tick(boxes.slice(from, to + 1), box.checked);
      }
      last = place;
      show();
    });
  });
  shortcuts.set("x", () => {
    const box = document.activeElement.closest("tr")?.querySelector("input[name=key]");
    if (box) tick([box], !box.checked);
    return Boolean(box);
  });
  addEventListener("pageshow", show);
  show();
});

// The Delete key stands for the link of that name.
shortcuts.set("Delete", () => {
  const link = keyed("delete");
  link?.click();
  return Boolean(link);
});

// A form that shows what it would do as soon as it has been filled in.
behave("[data-live]", (form) => {
  const box = form.querySelector("[data-preview]");
  let asked = 0;
  if (!box) return;

  async function look() {
    const mine = ++asked;
    try {
      const answer = await ask(form.action, new URLSearchParams(new FormData(form)));
      if (mine !== asked) return;
      box.innerHTML = answer.html;
    } catch (error) {
      if (mine === asked) box.replaceChildren(element("p", { class: "error" }, icon("alert"), error.message));
    }
  }
  form.addEventListener("input", () => {
    asked++;
    box.replaceChildren();
  });
  form.addEventListener("change", (event) => {
    const on = event.target.matches("[name=set]") ? event.target.checked : false;
    if (!on) look();
  });
  form.addEventListener("submit", (event) => {
    if (["_apply", "_run"].includes(event.submitter?.name)) return;
    event.preventDefault();
    delete form.dataset.sent;
    look();
  });
});

// A field of a bulk edit: once it is ticked its control is at hand, with the values it often has.
behave("[data-change]", (row) => {
  const tick = row.querySelector("[name=set]");
  const given = row.querySelector(".given");
  tick.addEventListener("change", async () => {
    if (!tick.checked) return;
    const control = given.querySelector("select, textarea, input:not([type=hidden])");
    control?.focus();
    if (!row.dataset.values || given.querySelector(".often")) return;
    const { values } = await ask(row.dataset.values).catch(() => ({ values: [] }));
    const often = element("div", { class: "often actions" });
    for (const { value, count } of values) {
      const button = element("button", { type: "button" }, String(value), element("span", { class: "quiet" }, count == null ? "" : count.toLocaleString()));
      button.addEventListener("click", () => {
        control.value = value;
        control.dispatchEvent(new Event("change", { bubbles: true }));
      });
      often.append(button);
    }
    given.append(often);
  });
});

// Cells that are edited where they stand: by a double click, or Enter on one that has the focus.
behave("table[data-cells]", (table) => {
  const names = table.dataset.cells.split(" ").filter(Boolean);
  const cells = names.length ? [...table.querySelectorAll(names.map((each) => `td[data-field="${each}"]`).join())] : [];
  let open = null;
  const focus = (cell) => {
    if (!cell) return;
    cells.forEach((each) => { each.tabIndex = each === cell ? 0 : -1; });
    cell.focus();
  };
  const beside = (cell, step) => cells[cells.indexOf(cell) + step];
  const over = (cell, step) => {
    const rows = [...table.tBodies[0].rows];
    const row = rows[rows.indexOf(cell.parentElement) + step];
    return row && cells.find((each) => each.parentElement === row && each.dataset.field === cell.dataset.field);
  };
  const url = (cell) => [table.dataset.cellUrl, ...[cell.dataset.field, cell.parentElement.dataset.key].map(encodeURIComponent)].join("/");

  async function edit(cell) {
    if (open?.cell === cell) return;
    if (open && !(await open.save())) return;
    let answer;
    try {
      answer = await ask(url(cell));
    } catch (error) {
      answer = { problem: error.message };
    }
    open = editor(cell, answer);
  }

  function editor(cell, answer) {
    const before = [...cell.childNodes];
    const words = element("p", { class: "error", role: "alert" });
    const form = element("form", { class: "cell-form" });
    let etag = answer.etag;
    let busy = false;
    form.innerHTML = answer.html ?? "";
    // Where a change says why, the question stands below the value.
    const why = form.querySelector("[name=_reason]");
    (why?.parentElement ?? form).append(words);
    const control = form.querySelector("select, textarea, input:not([type=hidden])");
    const read = () => new URLSearchParams(new FormData(form)).toString();
    const first = read();
    // What is under the control keeps its room, so that the columns stay where they are.
    const under = element("span", { class: "under" });
    const close = (nodes) => {
      open = null;
      cell.classList.remove("editing");
      cell.replaceChildren(...nodes);
    };
    const say = (text) => {
      words.replaceChildren(icon("alert"), text);
      control?.setAttribute("aria-invalid", "true");
      control?.focus();
    };
    const parsed = (html) => {
      const box = element("div");
      box.innerHTML = html;
      return [...box.childNodes];
    };
    const cancel = () => {
      close(before);
      focus(cell);
    };
    async function save() {
      if (busy) return false;
      if (read() === first || !control) {
        close(before);
        return true;
      }
      if (why && !why.reportValidity()) return false;
      busy = true;
      const fields = new URLSearchParams(new FormData(form));
      fields.set("_etag", etag);
      try {
        const told = await ask(url(cell), fields);
        close(parsed(told.html));
        cell.parentElement.dataset.etag = told.etag;
        toast(_("Saved {title}", { title: told.title }), told.undo);
        return true;
      } catch (error) {
        busy = false;
        if (error.body?.etag) {
          // Somebody was quicker: what they stored is shown, and sending again is the answer.
          etag = error.body.etag;
          before.splice(0, before.length, ...parsed(error.body.html));
          const now = element("span", {}, ...parsed(error.body.html)).textContent.trim();
          say(_("Changed meanwhile to {value}. Enter saves yours over it, Escape keeps theirs.", { value: now }));
        } else say(error.message);
        return false;
      }
    }
    cell.classList.add("editing");
    under.append(...before.map((each) => each.cloneNode(true)));
    cell.replaceChildren(under, form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (await save()) focus(cell);
    });
    form.addEventListener("keydown", async (event) => {
      event.stopPropagation();
      if (event.key === "Escape") cancel();
      else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        if (await save()) focus(cell);
      } else if (event.key === "Tab" && (!why || (event.target === why) !== event.shiftKey)) {
        event.preventDefault();
        const next = beside(cell, event.shiftKey ? -1 : 1);
        if (!(await save())) return;
        if (next) edit(next);
        else focus(cell);
      }
    });
    form.addEventListener("focusout", (event) => {
      if (open && !form.contains(event.relatedTarget) && document.hasFocus()) save();
    });
    enliven(form);
    if (control) {
      control.focus();
      control.select?.();
    } else say(answer.problem);
    return { cell, save };
  }

  cells.forEach((cell) => {
    cell.classList.add("editable");
    cell.tabIndex = cell === cells[0] ? 0 : -1;
    cell.setAttribute("aria-keyshortcuts", "Enter");
    cell.addEventListener("dblclick", () => { window.stop(); edit(cell); });
    cell.addEventListener("keydown", (event) => {
      if (event.target !== cell) return;
      const next = { ArrowRight: () => beside(cell, 1), ArrowLeft: () => beside(cell, -1), ArrowDown: () => over(cell, 1), ArrowUp: () => over(cell, -1) }[event.key];
      if (event.key === "Enter") edit(cell);
      else if (next) focus(next());
      else return;
      event.preventDefault();
    });
  });

  // A row is one link; over a cell that can be edited it waits for the second click, which counts
  // as long as the next page is not there.
  let waiting;
  table.addEventListener("click", (event) => {
    const link = event.target.closest("a.cover");
    const plain = event.detail === 1 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
    const under = link && document.elementsFromPoint(event.clientX, event.clientY).find((each) => each.matches("td.editable"));
    if (!link || !event.detail || !under) return;
    clearTimeout(waiting);
    if (event.detail === 2) {
      event.preventDefault();
      window.stop();
      edit(under);
    } else if (plain) {
      event.preventDefault();
      waiting = setTimeout(() => location.assign(link.href), 250);
    }
  });
});
