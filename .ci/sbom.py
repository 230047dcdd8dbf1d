"""What the binary golv is made of, as CycloneDX 1.5 in JSON: `python3 .ci/sbom.py > golv.cdx.json`.

Every crate that is linked or that a build uses, for the platform of this machine and the default features, as `cargo tree` tells
them; with its version, licence, and the checksum that Cargo.lock has. Crates of tests and benches are left out. It says
nothing of what the machine brings: the C library, the kernel. No date and no random number: the same tree gives the same file.
"""

import json
import subprocess
import tomllib

ROOT = "golv-gateway"


def main():
    tree = ["cargo", "tree", "--locked", "-p", ROOT, "-e", "normal,build", "--prefix", "depth", "-f", "|{p}|{l}"]
    lines = subprocess.run(tree, check=True, capture_output=True, text=True).stdout.splitlines()
    with open("Cargo.lock", "rb") as file:
        locked = tomllib.load(file)["package"]
    checksums = {(one["name"], "v" + one["version"]): one.get("checksum") for one in locked}

    # A crate stands under what uses it, one level deeper.
    above, licences, used = [], {}, {}
    for line in lines:
        depth, package, licence = line.split("|")
        name, version = package.split()[:2]
        crate = (name, version)
        del above[int(depth) :]
        if above:
            used[above[-1]].add(crate)
        above.append(crate)
        used.setdefault(crate, set())
        licences[crate] = licence.removesuffix(" (*)")

    def ref(crate):
        return f"pkg:cargo/{crate[0]}@{crate[1].removeprefix('v')}"

    def component(crate):
        found = {
            "type": "application" if crate[0] == ROOT else "library",
            "bom-ref": ref(crate),
            "name": crate[0],
            "version": crate[1].removeprefix("v"),
            "purl": ref(crate),
            # Old manifests write a slash where SPDX has OR.
            "licenses": [{"expression": licences[crate].replace(" / ", "/").replace("/", " OR ")}],
        }
        if checksum := checksums[crate]:
            found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        return found

    crates = sorted(used)
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": next(component(crate) for crate in crates if crate[0] == ROOT)},
        "components": [component(crate) for crate in crates if crate[0] != ROOT],
        "dependencies": [{"ref": ref(crate), "dependsOn": sorted(map(ref, used[crate]))} for crate in crates],
    }
    print(json.dumps(bom, indent=1))


if __name__ == "__main__":
    main()
