"use strict";

// A picture from the camera, losslessly, to be classified like a file.
const viewfinder = document.getElementById("viewfinder");
const video = viewfinder.querySelector("video");
let taken = 0;
let firstPicture;  // a promise, broken if the camera is closed before

const WHY_NO_CAMERA = {
  NotAllowedError: "its use was not allowed; allow it in the browser's settings of this page",
  NotFoundError: "there is none",
  NotReadableError: "another program uses it",
};

async function openCamera() {
  if (!navigator.mediaDevices) {
    tellFault("This browser does not let a page from disk use the camera; take a picture and choose its file.");
    return;
  }
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment" },
    });
  } catch (fault) {
    tellFault(`The camera cannot be used: ${WHY_NO_CAMERA[fault.name] ?? fault.message}.`);
    return;
  }
  firstPicture = video.play();
  firstPicture.catch(() => {});
  viewfinder.showModal();
  document.getElementById("snap").focus();
}

async function snap() {
  // Size and data are there earlier, while Chromium still draws black.
  try { await firstPicture; } catch { return; }
  if (!viewfinder.open) return;  // pressed twice
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob((blob) => {
    taken += 1;
    take([new File([blob], `camera ${taken}.png`, { type: "image/png" })]);
  });
  viewfinder.close();
}

place.shoot.addEventListener("click", openCamera);
document.getElementById("snap").addEventListener("click", snap);
document.getElementById("leave").addEventListener("click", () => viewfinder.close());
viewfinder.addEventListener("close", () => {  // by Esc, too
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
});
