// How far something long is; its page is loaded again when it is done.
behave("[data-importing]", (panel) => {
  const [bar, status] = [panel.querySelector("progress"), panel.querySelector("[role=status]")];
  const look = async () => {
    try {
      const { running, rows, total, words } = await ask(panel.dataset.importing);
      if (!running) return location.reload();
      if (total) Object.assign(bar, { max: total, value: rows });
      status.textContent = words;
    } catch {}
    setTimeout(look, 700);
  };
  setTimeout(look, 700);
});
