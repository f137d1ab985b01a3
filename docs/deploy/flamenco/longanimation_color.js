// SPDX-License-Identifier: GPL-3.0-or-later
// Colors shots of a .blend file on a Flamenco farm, a task a shot. See docs/farm.md. The token of the server is not in
// here: give it to the workers as the environment variable LONGANIMATION_TOKEN.

const AS_SAVED = "as saved"; // with the scene; Blender's menus cannot show an empty choice

const JOB_TYPE = {
    label: "LongAnimation Color",
    settings: [
        { key: "shots_from", type: "string", required: true, choices: ["markers", "list", "scenes", "scene"],
          default: "markers",
          description: "What a shot is: the frames from a marker to the next, a row of the file's Batch list, a " +
              "scene with a camera, or just the active scene's frames" },
        { key: "shots", type: "string", required: true, default: "1",
          description: "Numbers of the shots, such as '1-12' or '1, 4, 7', as `longanimation shots` lists them" },
        { key: "scene", type: "string", default: "",
          description: "The scene that is drawn. Empty for the file's active one" },
        { key: "frames", type: "string", default: "",
          description: "Only these frames, such as '1-48'. Empty for all of the shots" },
        { key: "keyframes", type: "string", default: "", label: "Painted Frames",
          description: "Frames that are painted in the scene, such as '1,24', beside those that the file names" },
        { key: "output_root", type: "string", subtype: "dir_path", default: "//color",
          visible: "submission", label: "Output Root",
          description: "Gets a folder for each shot, named after it, with the take's images" },
        { key: "output_folder", type: "string", subtype: "dir_path", required: true, editable: false,
          eval: "bpy.path.abspath(settings.output_root)",
          description: "The same folder, without Blender's // for the folder of the film" },

        { key: "server", type: "string", required: true, default: "http://127.0.0.1:7860",
          description: "Address of the coloring server, as the workers see it" },
        { key: "preset", type: "string", default: "",
          description: "Which of the server's models. Empty for the scene's setting" },
        { key: "finish", type: "string", choices: [AS_SAVED, "flats", "painted"], default: AS_SAVED,
          description: "One color for each region, or the model's own painting" },
        { key: "quality", type: "string", choices: [AS_SAVED, "auto", "exact", "final", "draft", "preview"],
          default: AS_SAVED, description: "How much time the server takes" },
        { key: "seed", type: "string", default: "",
          description: "Another number gives another take. Empty for the scene's setting" },
        { key: "prompt", type: "string", default: "",
          description: "Description of the shot in a sentence. Empty for the scene's setting" },
        { key: "layout", type: "string", choices: [AS_SAVED, "meta", "strips", "flat"], default: AS_SAVED,
          description: "Which images are fetched: 'flat' leaves out the colors without their lines" },

        { key: "blendfile", type: "string", required: true, visible: "web",
          description: "The film. It is only read" },
    ],
};

function compileJob(job) {
    const settings = job.settings;
    JOB_TYPE.settings.forEach((setting) => check(setting, settings[setting.key]));
    for (const shot of frameChunker(settings.shots, 1)) {
        const task = author.Task(`color-shot-${shot}`, "blender");
        task.addCommand(author.Command("blender-render", {
            exe: "{blender}",
            exeArgs: "{blenderArgs}",
            argsBefore: ["--online-mode"],
            blendfile: settings.blendfile,
            args: ["--command", "longanimation", "colorize"].concat(options(settings, shot)),
        }));
        job.addTask(task);
    }
}

// Jobs may also come from scripts, which can leave out settings or send other values than the menus offer.
function check(setting, value) {
    if (setting.required && !value) {
        throw `The setting ${setting.key} is missing: ${setting.description}.`;
    }
    if (value && setting.choices && setting.choices.indexOf(value) < 0) {
        throw `The setting ${setting.key} is "${value}", which is not one of: ${setting.choices.join(", ")}.`;
    }
}

// The words after `colorize`. An empty value counts as not given.
function options(settings, shot) {
    const given = (key) => (settings[key] && settings[key] !== AS_SAVED ? settings[key] : "");
    return [
        `--from=${given("shots_from")}`,
        `--shot=${shot}`,
        `--scene=${given("scene")}`,
        `--frames=${given("frames")}`,
        `--keyframe=${given("keyframes")}`,
        "--directory",
        settings.output_folder, // a word of its own, so that Flamenco's two-way variables apply to it
        `--server=${settings.server}`,
        `--preset=${given("preset")}`,
        `--finish=${given("finish")}`,
        `--quality=${given("quality")}`,
        `--seed=${given("seed")}`,
        `--prompt=${given("prompt")}`,
        `--layout=${given("layout")}`,
        "--no-save",
        "--json",
    ];
}
