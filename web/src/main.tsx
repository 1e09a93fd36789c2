import { effect } from "@preact/signals";
import { render } from "preact";
import "./theme";
import { listen } from "./keys";
import { learn } from "./labels";
import { follow } from "./live";
import { board, start } from "./load";
import { App } from "./shell/app";
import { http } from "./source";
import "./styles/index.css";

const source = http();
effect(() => {
  if (board.value) learn(board.value);
});
start(source);
if (source.live) follow();
listen();
render(<App />, document.getElementById("page")!);
