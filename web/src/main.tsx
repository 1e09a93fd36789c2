import { effect } from "@preact/signals";
import { render } from "preact";
import "./theme";
import { listen } from "./keys";
import { learn } from "./labels";
import { follow } from "./live";
import { board, start } from "./load";
import type { Report } from "./report/cube";
import { App } from "./shell/app";
import { embedded } from "./report/source";
import { measure } from "./report/measure";
import { brought, http } from "./source";
import "./styles/index.css";

const report = await brought<Report>("report");
const source = report ? embedded(report) : http(await brought("first-board"));
effect(() => {
  if (board.value) learn(board.value);
});
start(source);
if (source.live) follow();
else measure();
listen();
render(<App />, document.getElementById("page")!);
