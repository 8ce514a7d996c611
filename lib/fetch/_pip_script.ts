/**
 * A Python program that fetches one file with pip's package index and network session, and installs nothing.
 *
 * `pip download` would build the metadata of a source package. For this, pip installs the newest setuptools and runs
 * the package's `setup.py`. This program only finds the file and copies its bytes. pip's configuration (index, mirrors,
 * proxies, certificates, credentials) applies, so this program names no host. Tested with pip 19.3 to 25.3.
 *
 * @module
 */

/** Makes pip importable if it is installed only in the user's packages, which `-I` excludes. */
const IMPORT_PIP = `
import sys
try:
    import pip
except ImportError:
    import site
    site.addsitedir(site.getusersitepackages())
    try:
        import pip
    except ImportError:
        sys.exit("No module named pip")
`;

/** Source of a Python program that prints the version and the location of pip. */
export const PIP_VERSION = `${IMPORT_PIP}
print(pip.__version__, pip.__file__)
`;

/**
 * Source of a Python program that fetches a file. Arguments: the package's name and version, the file's name, the
 * destination folder, and pip's options.
 */
export const PIP_FETCH = `${IMPORT_PIP}
import logging
import os
import shutil
from pip._internal.cli.cmdoptions import make_target_python
from pip._internal.commands.download import DownloadCommand

logging.basicConfig(format="%(levelname)s: %(message)s")
name, version, filename, into, *args = sys.argv[1:]
command = DownloadCommand("download", "")
options, _ = command.parse_args([*args, name])
try:
    with command.main_context():
        session = command._build_session(options)
        finder = command._build_package_finder(
            options, session, make_target_python(options), ignore_requires_python=True)
        links = [found.link for found in finder.find_all_candidates(name) if found.link.filename == filename]
        if not links:
            sys.exit("ERROR: No matching distribution found for %s==%s" % (name, version))
        with session.get(
                links[0].url_without_fragment, headers={"Accept-Encoding": "identity"}, stream=True) as response:
            response.raise_for_status()
            with open(os.path.join(into, filename), "wb") as out:
                shutil.copyfileobj(response.raw, out, 1 << 20)
except Exception as error:
    sys.exit("ERROR: %s" % error)
`;
