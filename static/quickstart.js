// The entry to the set-up: the code stands behind the # of the link, where no server and no log sees it.

const code = location.hash.slice(1);
if (code) {
  history.replaceState(null, "", location.pathname);
  const form = document.getElementById("claim");
  form.elements.code.value = decodeURIComponent(code);
  form.requestSubmit();
}
