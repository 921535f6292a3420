// Nobody is signed in here: what only a person signed in may read can be read no more.
import { forget } from "./vault.js";

forget();
