"""What docker-compose.yml, the Dockerfiles and deploy/kubernetes.yaml keep to. Images cannot be fetched here, and there is no
cluster: this is a look at what is written.

They are held to the schema of the Compose specification, which check-jsonschema brings along, to hadolint, and to the schema of
Kubernetes. That the pipelines of the compose file run is shown by tests/it/deployment.rs.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import ruamel.yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = pathlib.Path(sys.executable).parent
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILES = [ROOT / "Dockerfile", ROOT / "deploy/elasticsearch/Dockerfile"]
# `limits.shutdown_timeout_ms` where a pipeline says nothing
SHUTDOWN_TIMEOUT_MS = 30_000
# run once, and end
ONCE = {"topics"}
# in every profile
ALWAYS = {"kafka", "topics"}
PROFILES = {"elasticsearch", "mongodb", "mysql", "files", "s3", "tools"}


def load(path):
    return ruamel.yaml.YAML(typ="safe", pure=True).load(path.read_text("utf-8"))


def run(tool, *arguments):
    ended = subprocess.run([TOOLS / tool, *arguments], capture_output=True, text=True, cwd=ROOT)
    return ended.returncode, ended.stdout + ended.stderr


def is_pinned(image):
    """Whether a name of an image says exactly which: a tag with a number in it, and not a moving one."""
    _, _, tag = image.rpartition(":")
    return "/" not in tag and bool(re.search(r"\d", tag)) and "latest" not in tag


class Compose(unittest.TestCase):
    def setUp(self):
        self.compose = load(COMPOSE)
        self.services = self.compose["services"]
        self.tamis = {name: it for name, it in self.services.items() if it["image"].startswith("tamis:")}

    def test_it_is_as_the_specification_says(self):
        code, said = run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)
        self.assertEqual(code, 0, said)

    def test_the_schema_finds_what_is_wrong(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(COMPOSE.read_text("utf-8").replace("read_only: true", "readonly: true"))
            file.flush()
            code, said = run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", file.name)
        self.assertNotEqual(code, 0)
        self.assertIn("readonly", said)

    def test_every_image_is_pinned(self):
        for name, service in self.services.items():
            self.assertTrue(is_pinned(service["image"]), f"{name}: {service['image']}")
        for image in ["a", "a:latest", "host:5000/a", "a:stable"]:
            self.assertFalse(is_pinned(image), image)

    def test_every_service_is_looked_after(self):
        for name, service in self.services.items():
            with self.subTest(name):
                self.assertIn("max-size", service["logging"]["options"])
                self.assertIn("restart", service)
                if name in ONCE:
                    continue
                self.assertIn("mem_limit", service)
                # that of Tamis is in its image
                if name not in self.tamis:
                    self.assertIn("healthcheck", service)

    def test_every_store_has_a_profile(self):
        found = set()
        for name, service in self.services.items():
            profiles = service.get("profiles", [])
            self.assertEqual(len(profiles), 0 if name in ALWAYS else 1, name)
            found.update(profiles)
            for other, how in service.get("depends_on", {}).items():
                there = set(self.services[other].get("profiles", profiles))
                self.assertTrue(there >= set(profiles) or how.get("required") is False, f"{name}: {other}")
        self.assertEqual(found, PROFILES)

    def test_no_port_is_open_to_other_machines(self):
        ports = [(name, port) for name, service in self.services.items() for port in service.get("ports", [])]
        for name, port in ports:
            self.assertTrue(port.startswith("127.0.0.1:"), f"{name}: {port}")
        self.assertGreater(len(ports), 5)

    def test_what_is_mounted_is_there(self):
        secrets = re.search(r"for name in (.*); do", (ROOT / "deploy/make-secrets").read_text("utf-8"))
        made = {f"deploy/secrets/{name}" for name in secrets[1].split()}
        self.assertEqual({it["file"] for it in self.compose["secrets"].values()}, made)
        used = set()
        for name, service in self.services.items():
            self.assertLessEqual(set(service.get("secrets", [])), set(self.compose["secrets"]), name)
            for volume in service.get("volumes", []):
                source, target, *_ = volume.split(":")
                self.assertTrue(target.startswith("/"), volume)
                if source.startswith("./"):
                    self.assertTrue((ROOT / source).is_file(), f"{name}: {source}")
                else:
                    self.assertNotIn(source, used, "each process has volumes of its own")
                    used.add(source)
        self.assertEqual(used, set(self.compose["volumes"]))

    def test_tamis_can_do_little_and_has_time_to_drain(self):
        self.assertEqual(len(self.tamis), 4)
        for name, service in self.tamis.items():
            with self.subTest(name):
                self.assertIs(service["read_only"], True)
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertIn("no-new-privileges:true", service["security_opt"])
                pipeline = load(ROOT / service["volumes"][0].split(":")[0])
                drain = pipeline.get("limits", {}).get("shutdown_timeout_ms", SHUTDOWN_TIMEOUT_MS)
                self.assertGreater(int(service["stop_grace_period"].rstrip("s")) * 1000, drain)

    def test_pipelines_ask_for_what_is_there(self):
        kafka = self.services["kafka"]["environment"]
        topics = self.services["topics"]["command"][0]
        for name, service in self.tamis.items():
            with self.subTest(name):
                pipeline = load(ROOT / service["volumes"][0].split(":")[0])
                source = pipeline["source"]["kafka"]
                for broker in source["brokers"]:
                    self.assertIn(f"INTERNAL://{broker}", kafka["KAFKA_ADVERTISED_LISTENERS"])
                for topic in [*source["topics"], pipeline["dead_letters"]["kafka"]["topic"]]:
                    self.assertIn(f"--topic {topic} ", topics)
                text = str(pipeline["sinks"])
                for host in re.findall(r"(?://|@)([a-z0-9]+):\d+", text):
                    self.assertIn(host, service["depends_on"])
                for secret in re.findall(r"/run/secrets/(\w+)", text):
                    self.assertIn(secret, service["secrets"])
                for plugin in pipeline["plugins"]:
                    path = plugin["path"].removeprefix("/usr/share/tamis/")
                    self.assertTrue((ROOT / path).parent.is_dir(), path)
        groups = [load(path)["source"]["kafka"]["group"] for path in (ROOT / "deploy/pipelines").iterdir()]
        self.assertEqual(len(set(groups)), len(groups), "each reads all of the records")


class Dockerfiles(unittest.TestCase):
    def test_hadolint_finds_nothing(self):
        for path in DOCKERFILES:
            code, said = run("hadolint", path)
            self.assertEqual(code, 0, said)

    def test_bases_are_pinned(self):
        for path in DOCKERFILES:
            arguments = dict(re.findall(r"^ARG (\w+)=(\S+)", path.read_text("utf-8"), re.M))
            text = re.sub(r"\$\{(\w+)\}", lambda it: arguments[it[1]], path.read_text("utf-8"))
            stages = re.findall(r"^FROM \S+ AS (\w+)", text, re.M)
            bases = [it for it in re.findall(r"^FROM (\S+)", text, re.M) if it not in [*stages, "scratch"]]
            self.assertTrue(bases, path)
            for base in bases:
                self.assertTrue(is_pinned(base), base)

    def test_what_a_build_lacks_is_installed_by_the_script_that_knows(self):
        self.assertIn("make toolchain plugins", DOCKERFILES[0].read_text("utf-8"))

    def test_the_image_needs_no_root_and_no_shell(self):
        text = DOCKERFILES[0].read_text("utf-8")
        self.assertRegex(text, r"(?m)^USER \d+:\d+$")
        for instruction in ["ENTRYPOINT", "CMD", "HEALTHCHECK"]:
            for line in re.findall(rf"(?m)^{instruction}.*(?:\\\n.*)*", text):
                self.assertRegex(line, r"\[", line)
        self.assertRegex(text, r"(?m)^STOPSIGNAL SIGTERM$")


class Kubernetes(unittest.TestCase):
    FILE = ROOT / "deploy/kubernetes.yaml"

    def setUp(self):
        yaml = ruamel.yaml.YAML(typ="safe", pure=True)
        config, self.deployment = yaml.load_all(self.FILE.read_text("utf-8"))
        self.pipeline = config["data"]["pipeline.yaml"]

    def test_it_is_as_kubernetes_wants_it(self):
        code, said = run("kubernetes-validate", "-k", "1.31.0", "--strict", self.FILE)
        self.assertEqual(code, 0, said)

    def test_its_pipeline_is_sound(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "pipeline.yaml"
            path.write_text(self.pipeline, "utf-8")
            tamis = ROOT / "target/release/tamis"
            ended = subprocess.run([tamis, "check", "--no-plugins", path], capture_output=True, text=True)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)

    def test_it_runs_the_image_as_it_is_made(self):
        pod = self.deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        dockerfile = DOCKERFILES[0].read_text("utf-8")
        user = re.search(r"(?m)^USER (\d+):(\d+)$", dockerfile)
        security = pod["securityContext"]
        self.assertEqual([security["runAsUser"], security["runAsGroup"]], [int(it) for it in user.groups()])
        volumes = re.search(r"(?m)^VOLUME (.*)$", dockerfile)[1]
        mounts = {it["mountPath"] for it in container["volumeMounts"]}
        self.assertLessEqual(set(re.findall(r'"(/[^"]+)"', volumes)), mounts)
        self.assertGreater(pod["terminationGracePeriodSeconds"] * 1000, SHUTDOWN_TIMEOUT_MS)


if __name__ == "__main__":
    unittest.main()
