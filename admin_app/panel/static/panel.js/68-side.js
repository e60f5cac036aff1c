// A record's form beside the page: a dialog at its side. Resolves to what was saved, or to nothing.
function aside(url, opener = document.activeElement) {
  const depth = document.querySelectorAll("dialog.side").length + 1;
  const at = `${url}${url.includes("?") ? "&" : "?"}depth=${depth}`;
  const body = element("div", { class: "side-body", "aria-busy": "true" });
  const status = element("p", { class: "quiet", role: "status" });
  const close = element("button", { type: "button", class: "ghost side-close", "aria-label": _("Close") }, icon("x"));
  const dialog = element("dialog", { class: "side" }, close, status, body);
  let saved = null;
  let typed = false;

  function show(html) {
    body.innerHTML = html;
    body.removeAttribute("aria-busy");
    status.textContent = "";
    const title = body.querySelector(".side-form h2");
    if (!title) {
      body.replaceChildren();
      throw new Error(_("This could not be done. Load the page again."));
    }
    title.id ||= `side-${depth}`;
    dialog.setAttribute("aria-labelledby", title.id);
    enliven(body);
    (body.querySelector("[data-focus]") ?? body.querySelector("form :is(input:not([type=hidden]), textarea, select)") ?? close).focus();
    body.querySelector("[data-close]")?.addEventListener("click", () => dialog.close());
    body.querySelector("form")?.addEventListener("submit", send);
  }

  async function send(event) {
    event.preventDefault();
    const form = event.target;
    const buttons = form.querySelectorAll("button.primary");
    const fields = new FormData(form, event.submitter);
    buttons.forEach((each) => { each.disabled = true; });
    try {
      const answer = await ask(form.getAttribute("action"), form.enctype.startsWith("multipart") ? fields : new URLSearchParams(fields), true);
      if (answer.html) return show(answer.html);
      saved = answer;
      dialog.close();
    } catch (error) {
      status.textContent = error.message;
      delete form.dataset.sent;
      buttons.forEach((each) => { each.disabled = false; });
    }
  }

  document.body.append(dialog);
  dialog.showModal();
  close.addEventListener("click", () => dialog.close());
  body.addEventListener("input", () => { typed = true; });
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  dialog.addEventListener("cancel", (event) => {
    if (event.target !== dialog || !typed) return;
    // What was typed is not lost by one key.
    event.preventDefault();
    typed = false;
    status.textContent = _("This is not saved. Press Escape again to leave it.");
  });
  ask(at, null, true).then((answer) => show(answer.html)).catch((error) => {
    body.removeAttribute("aria-busy");
    status.textContent = error.message;
  });
  return new Promise((resolve) => {
    dialog.addEventListener("close", (event) => {
      if (event.target !== dialog) return;
      dialog.remove();
      opener?.focus();
      resolve(saved);
    });
  });
}

// A link to a form that can as well stand beside the page, which is then read again.
behave("a[data-beside]", (link) => {
  link.addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (await aside(link.dataset.beside, link)) location.reload();
  });
});
