// What narrows a list: its forms are sent and answered where they stand, and end in a list.
async function narrow(box, url, focus) {
  let body;
  try {
    body = await ask(url);
  } catch (error) {
    if (!error.body?.html) return location.assign(url);
    body = error.body;
  }
  if (body.href) return location.assign(body.href);
  box.innerHTML = body.html;
  enliven(box);
  (box.querySelector("[aria-invalid=true]") ?? (focus && box.querySelector(focus)) ?? box.querySelector("select, input:not([type=hidden])"))?.focus();
}

behave("a[data-within]", (link) => {
  const box = link.closest(".sheet");
  if (box) link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    // A click on what is going to be replaced is still one inside of the sheet.
    event.stopPropagation();
    narrow(box, link.href);
  });
});

behave("form[data-narrow]", (form) => {
  const box = form.parentElement;
  const values = form.querySelectorAll("[data-values], [data-ticks]");
  const how = form.querySelector("[data-op]");
  const last = form.querySelector("[data-last]");

  // What is being done stays where it is done; a condition that was added is gone on with.
  function send(by, focus, set) {
    const data = new URLSearchParams(new FormData(form, by));
    if (set) data.set("do", set);
    narrow(box, `${form.action}?${data}`, focus);
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const by = event.submitter;
    const [what, place] = by?.value.split(":") ?? [];
    const items = by?.closest("fieldset")?.querySelector("ol")?.children.length;
    send(by, what === "row" ? `[name="of-${place}.${items}"]` : `button[value="${by?.value}"]`);
  });
  form.querySelectorAll("[data-plain]").forEach((each) => each.remove());
  form.querySelectorAll("[data-refresh]").forEach((each) => {
    each.addEventListener("change", () => send(null, `[name="${each.name}"]`, "refresh"));
  });
  if (!how) return;
  const fit = () => {
    const bare = ["null", "filled"].includes(how.value);
    values.forEach((each) => { each.hidden = bare || (each.dataset.ticks !== undefined && !["in", "nin", "contains"].includes(how.value)); });
    if (last) last.hidden = how.value !== "range";
  };
  how.addEventListener("change", fit);
  fit();
  if (box.closest("details")?.contains(document.activeElement)) how.focus();
});
