// <form data-upload> is sent in the background, with a bar that shows how far it is; without scripts the browser sends it.

for (const form of document.querySelectorAll("form[data-upload]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, form.querySelector("button"));
  });
}

function send(form, button) {
  const sending = form.querySelector("[data-sending]");
  const failed = form.querySelector("[data-failed]");
  const bar = sending.querySelector("progress");
  const request = new XMLHttpRequest();
  sending.hidden = false;
  failed.hidden = true;

  function fail(text) {
    sending.hidden = true;
    failed.textContent = text;
    failed.hidden = false;
    button.disabled = false;
  }

  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = event.loaded / event.total;
  });
  request.addEventListener("error", () => fail("The connection was lost. Please try again."));
  request.addEventListener("load", () => {
    if (request.status < 400) {
      location.assign(request.responseURL);
      return;
    }
    const answer = new DOMParser().parseFromString(request.responseText, "text/html");
    const said = answer.querySelector(".field .error") || answer.querySelector("main p");
    fail(said ? said.textContent : "This did not work. Please try again.");
  });
  request.open("POST", form.action);
  request.send(new FormData(form));
}
