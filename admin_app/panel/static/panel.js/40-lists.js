// A link to a page with a form opens it beside the link instead, where one is.
behave("a[data-sheet]", (link) => {
  const box = element("div", { class: "sheet", "aria-live": "polite" });
  const name = link.getAttribute("aria-label");
  const head = element("summary", { class: link.className, "aria-label": name, title: link.title || null }, ...link.childNodes);
  const pop = element("details", { class: "pop", "data-pop": true }, head, box);
  link.replaceWith(pop);
  pop.addEventListener("toggle", async () => {
    if (!pop.open || box.childNodes.length) return;
    try {
      await fill(box, await fetch(`${link.href}${link.search ? "&" : "?"}sheet=1`));
    } catch {
      location.assign(link.href);
    }
  });
});

async function fill(box, answer) {
  if (!answer.ok || answer.redirected) throw new Error();
  box.innerHTML = await answer.text();
  enliven(box);
}

// The chooser of columns: its buttons change it where it stands, and columns can be dragged.
behave("[data-chooser]", (form) => {
  const box = form.parentElement;
  let dragged = null;
  form.addEventListener("submit", async (event) => {
    const by = event.submitter;
    if (by?.dataset.again === undefined) return;
    event.preventDefault();
    const data = new URLSearchParams(new FormData(form, by));
    data.set("sheet", "1");
    try {
      await fill(box, await fetch(form.action, { method: "POST", body: data }));
      const again = [...box.querySelectorAll("[data-again]")].filter((each) => each.value === by.value && !each.disabled);
      (again.find((each) => each.name === by.name) ?? again[0] ?? box.querySelector("#beyond"))?.focus();
    } catch {
      location.reload();
    }
  });
  for (const row of form.querySelectorAll("[data-drag]")) {
    row.draggable = true;
    row.addEventListener("dragstart", () => (dragged = row).classList.add("dragged"));
    row.addEventListener("dragend", () => row.classList.remove("dragged"));
    row.addEventListener("dragover", (event) => {
      if (!dragged || dragged === row) return;
      event.preventDefault();
      const { top, height } = row.getBoundingClientRect();
      if (event.clientY < top + height / 2) row.before(dragged);
      else row.after(dragged);
    });
  }
});

behave("table[data-order]", (table) => {
  const heads = [...table.tHead.rows[0].cells];
  const rtl = getComputedStyle(table).direction === "rtl";

  // With Shift a heading adds itself to the order, turns itself round, and takes itself out.
  function also(event) {
    if (event.type === "click" && "pulled" in table.tHead.dataset) {
      delete table.tHead.dataset.pulled;
      event.preventDefault();
      return;
    }
    const link = event.target.closest("a");
    if (!link || !event.shiftKey || (event.key && event.key !== "Enter")) return;
    event.preventDefault();
    const name = link.parentElement.dataset.field;
    const terms = table.dataset.order.split(",").filter(Boolean);
    const place = terms.findIndex((each) => each.replace(/^-|:nullsfirst$/g, "") === name);
    if (place < 0) terms.push(name);
    else if (terms[place][0] === "-") terms.splice(place, 1);
    else terms[place] = `-${terms[place]}`;
    const url = new URL(link.href);
    if (terms.length) url.searchParams.set("sort", terms.join());
    else url.searchParams.delete("sort");
    location.assign(url.href.replaceAll("%2C", ","));
  }
  table.tHead.addEventListener("click", also);
  table.tHead.addEventListener("keydown", also);

  // The edge of a heading is where its column is made wider.
  const edge = (event) => heads.find((each) => {
    const { left, right } = each.getBoundingClientRect();
    return each.dataset.field && Math.abs((rtl ? left : right) - event.clientX) < 6;
  });
  table.tHead.addEventListener("pointermove", (event) => table.tHead.classList.toggle("edge", Boolean(edge(event))));
  table.tHead.addEventListener("pointerdown", (event) => {
    delete table.tHead.dataset.pulled;
    const head = edge(event);
    if (!head || event.button) return;
    event.preventDefault();
    const cols = heads.map((each) => element("col", { width: Math.round(each.offsetWidth) }));
    table.querySelector("colgroup")?.remove();
    table.caption.after(element("colgroup", {}, ...cols));
    table.parentElement.classList.add("sized");
    const col = cols[heads.indexOf(head)];
    const [from, start] = [head.offsetWidth, event.clientX];
    table.tHead.setPointerCapture(event.pointerId);
    const move = (moved) => { col.width = Math.min(900, Math.max(48, Math.round(from + (moved.clientX - start) * (rtl ? -1 : 1)))); };
    table.tHead.addEventListener("pointermove", move);
    table.tHead.addEventListener("lostpointercapture", () => {
      table.tHead.removeEventListener("pointermove", move);
      const widths = heads.map((each, place) => each.dataset.field && `${each.dataset.field}:${cols[place].width}`).filter(Boolean);
      ask(table.dataset.widths, { widths: widths.join() }).catch(() => {});
    }, { once: true });
    // The click that ends it is none on the heading.
    table.tHead.dataset.pulled = "";
  });

  // Where names stay in sight, the link of a row cannot lie over all of it.
  let waiting;
  table.tBodies[0].addEventListener("click", (event) => {
    clearTimeout(waiting);
    const link = event.target.closest("tr").querySelector(".cover");
    if (event.detail !== 1 || event.target.closest("a, button, input, label, form, .pick") || String(getSelection())) return;
    if (event.ctrlKey || event.metaKey) open(link.href, "_blank", "noopener");
    else waiting = setTimeout(() => location.assign(link.href), event.target.closest(".editable") ? 250 : 0);
  });

  // A text that is cut off is told in full beside it.
  const tip = element("div", { class: "tip", role: "tooltip", id: "tip" });
  let wait;
  function tell(event) {
    clearTimeout(wait);
    tip.remove();
    const cell = cut(event);
    if (cell) wait = setTimeout(() => show(cell), event.type === "focusin" ? 0 : 400);
  }
  function cut(event) {
    if (!["mouseover", "focusin"].includes(event.type)) return null;
    const over = event.type === "mouseover" ? document.elementsFromPoint(event.clientX, event.clientY) : [event.target];
    const cell = over.map((each) => each.closest("th, td")).find(Boolean);
    return cell?.textContent.trim() && !cell.matches(".editing") && table.contains(cell) && cell.scrollWidth > cell.clientWidth + 1 ? cell : null;
  }
  function show(cell) {
    tip.textContent = cell.textContent;
    document.body.append(tip);
    const { left, bottom, top } = cell.getBoundingClientRect();
    const [width, height] = [tip.offsetWidth, tip.offsetHeight];
    tip.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
    tip.style.top = `${bottom + height + 8 < innerHeight ? bottom : top - height}px`;
  }
  for (const name of ["mouseover", "focusin", "mouseleave", "focusout"]) table.addEventListener(name, tell);
  addEventListener("scroll", tell, true);
  addEventListener("keydown", (event) => event.key === "Escape" && tell(event));
});

// The menu's views say how many records they have; what was counted just now is not counted again.
behave("[data-pins]", async (menu) => {
  const pins = menu.querySelectorAll("[data-pin]");
  if (!pins.length) return;
  const name = `pins ${document.querySelector("meta[name=csrf]").content}`;
  let { at, counts } = JSON.parse(sessionStorage.getItem(name) ?? "{}");
  if (!(Date.now() - at < 20000)) {
    counts = await ask(menu.dataset.pins).catch(() => ({}));
    sessionStorage.setItem(name, JSON.stringify({ at: Date.now(), counts }));
  }
  for (const each of pins) each.textContent = counts[each.dataset.pin] ?? "";
});
