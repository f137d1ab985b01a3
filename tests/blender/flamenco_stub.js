// SPDX-License-Identifier: GPL-3.0-or-later
// A stub of what Flamenco Manager gives to a job compiler script, written from Flamenco's documentation of job types
// and of its worker's commands. It is not Flamenco. It is stricter: whatever it does not know is an error.
"use strict";

delete globalThis.console; // V8 has it, Flamenco's engine has not

const STRING = (value) => typeof value === "string";
const NUMBER = (value) => typeof value === "number" && isFinite(value);
const STRINGS = (value) => Array.isArray(value) && value.every(STRING);
const BOOL = (value) => typeof value === "boolean";
const OBJECT = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const oneOf = (...names) => (value) => names.indexOf(value) >= 0;

// Parameters of the worker's commands. Those of `OPTIONAL` may be left out.
const COMMANDS = {
    "blender-render": { exe: STRING, exeArgs: STRING, argsBefore: STRINGS, blendfile: STRING, args: STRINGS },
    "frames-to-video": { exe: STRING, exeArgs: STRING, fps: NUMBER, inputGlob: STRING, outputFile: STRING,
                         argsBefore: STRINGS, args: STRINGS },
    "make-directory": { path: STRING },
    "move-directory": { src: STRING, dest: STRING },
    "copy-file": { src: STRING, dest: STRING },
    exec: { exe: STRING, args: STRINGS },
    echo: { message: STRING },
    sleep: { duration_in_seconds: NUMBER },
};
const OPTIONAL = ["exeArgs", "argsBefore", "args"];
const TASK_TYPES = ["blender", "ffmpeg", "file-management", "misc"];

// The schema AvailableJobSetting of the manager's API.
const SETTING = {
    key: STRING, type: oneOf("string", "int32", "float", "bool"),
    subtype: oneOf("file_path", "dir_path", "file_name", "hashed_file_path"), choices: STRINGS, propargs: OBJECT,
    description: STRING, label: STRING, default: () => true, eval: STRING, evalInfo: OBJECT,
    visible: oneOf("visible", "hidden", "submission", "web"), required: BOOL, editable: BOOL,
};
const VALUES = { string: STRING, int32: Number.isInteger, float: NUMBER, bool: BOOL };

function strict(name, members, writable = []) {
    return new Proxy(members, {
        get(target, key) {
            if (!Object.prototype.hasOwnProperty.call(target, key)) {
                throw new Error(`${name} has no ${String(key)}`);
            }
            return target[key];
        },
        set(target, key, value) {
            if (writable.indexOf(key) < 0) {
                throw new Error(`${name}.${String(key)} cannot be set`);
            }
            target[key] = value;
            return true;
        },
    });
}

// A function that checks the number and the types of its arguments.
function typed(name, types, least, call) {
    return (...given) => {
        if (given.length < least || given.length > types.length || !given.every((one, at) => types[at](one))) {
            throw new Error(`${name} does not take ${JSON.stringify(given)}`);
        }
        return call(...given);
    };
}

function checkFields(name, given, fields, required) {
    for (const key of Object.keys(given)) {
        if (!fields[key]) {
            throw new Error(`${name} has no ${key}`);
        }
        if (!fields[key](given[key])) {
            throw new Error(`${name}: ${key} cannot be ${JSON.stringify(given[key])}`);
        }
    }
    for (const key of required) {
        if (given[key] === undefined) {
            throw new Error(`${name} needs ${key}`);
        }
    }
}

const made = new Map(); // what the script got from `author`, to what it stands for

function remember(shown, what) {
    made.set(shown, what);
    return shown;
}

const known = (kind) => (value) => made.has(value) && made.get(value).kind === kind;

const author = strict("author", {
    Task: typed("author.Task", [(name) => STRING(name) && name.trim(), oneOf(...TASK_TYPES)], 2, (name, type) => {
        const task = { kind: "task", name: name, type: type, commands: [], dependencies: [] };
        return remember(strict("a task", {
            addCommand: typed("addCommand", [known("command")], 1, (one) => void task.commands.push(made.get(one))),
            addDependency: typed("addDependency", [known("task")], 1, (one) => {
                task.dependencies.push(made.get(one).name);
            }),
        }), task);
    }),
    Command: typed("author.Command", [oneOf(...Object.keys(COMMANDS)), OBJECT, NUMBER], 2, (name, parameters) => {
        const needed = Object.keys(COMMANDS[name]).filter((key) => OPTIONAL.indexOf(key) < 0);
        checkFields(`the command ${name}`, parameters, COMMANDS[name], needed);
        return remember(strict("a command", {}), { kind: "command", name: name, parameters: parameters });
    }),
});

const frameChunker = typed("frameChunker", [STRING, Number.isInteger], 2, (range, size) => {
    const frames = new Set();
    for (const part of range.replace(/\.\./g, "-").split(",")) {
        const found = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(part);
        if (!found || size < 1) {
            throw new Error(`invalid range "${range}": ${part}`);
        }
        for (let frame = Number(found[1]); frame <= Number(found[2] || found[1]); frame++) {
            frames.add(frame);
        }
    }
    const sorted = [...frames].sort((a, b) => a - b);
    if (size !== 1) {
        throw new Error("the stub only knows chunks of one frame");
    }
    return sorted.map(String);
});

// Called by the test with the loaded script's JOB_TYPE: checks it and returns the values that the add-on would send,
// without those that it evaluates in Blender.
function defaultsOf(jobType) {
    const fields = { label: STRING, settings: Array.isArray, description: STRING };
    checkFields("JOB_TYPE", jobType, fields, ["label", "settings"]);
    const defaults = {};
    for (const setting of jobType.settings) {
        checkFields(`the setting ${setting.key}`, setting, SETTING, ["key", "type"]);
        if (setting.key in defaults) {
            throw new Error(`the setting ${setting.key} is there twice`);
        }
        if (setting.choices && (setting.type !== "string" || setting.choices.indexOf("") >= 0)) {
            throw new Error(`the setting ${setting.key} has choices that Blender cannot show`);
        }
        const fits = setting.choices ? oneOf(...setting.choices) : VALUES[setting.type];
        if (setting.default !== undefined && !fits(setting.default)) {
            throw new Error(`the setting ${setting.key} cannot be ${setting.default} by default`);
        }
        defaults[setting.key] = setting.default;
    }
    return defaults;
}

// Called by the test: what the manager does with a submitted job. Returns its tasks.
function compiled(compileJob, jobType, submitted) {
    const settings = {};
    for (const key of Object.keys(defaultsOf(jobType))) {
        settings[key] = submitted[key];
    }
    const tasks = [];
    const job = strict("the job", {
        jobID: "1", name: "Film", jobType: "longanimation-color", priority: 50, created: new Date(0), metadata: {},
        settings: strict("the job's settings", settings, Object.keys(settings)),
        addTask: typed("addTask", [known("task")], 1, (one) => void tasks.push(made.get(one))),
    });
    compileJob(job);
    return tasks;
}
