#!/bin/sh
# The simulator's tests on a core built with the address and undefined-behaviour sanitisers.
#
#   tests/sim/sanitize.sh [python] [pytest options]
#
# The build goes to a temporary place; the installed core stays as it is. Quirks:
# * The interpreter itself is not built with ASan, so its runtime is loaded before everything else (LD_PRELOAD).
# * CPython keeps memory until the process ends, by design: leaks are not looked for (detect_leaks=0).
# * Sanitisers do not work with function multiversioning; this build has one instruction set.
# * -O1 keeps line numbers true; the bits are those of -O3, which the tests against the NumPy twin show once more.
set -eu
python=${1:-python3}
[ $# -gt 0 ] && shift
root=$(cd "$(dirname "$0")/../.." && pwd)
case $python in */*) python=$(cd "$(dirname "$python")" && pwd)/$(basename "$python") ;; esac
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT INT TERM

mkdir "$place/hierbrush"
cp -R "$root"/hierbrush/*.py "$root/hierbrush/sim" "$place/hierbrush/"
rm -f "$place"/hierbrush/sim/*.so

flags="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g"
(cd "$root" && HIERBRUSH_CFLAGS="$flags" "$python" -W ignore setup.py -q build_ext \
    --build-lib "$place" --build-temp "$place/objects") > "$place/build.log" 2>&1 || { cat "$place/build.log" >&2; exit 1; }
[ -n "$(find "$place/hierbrush/sim" -name '_core*.so')" ] || { cat "$place/build.log" >&2; exit 1; }

libraries=
for name in libasan.so libubsan.so libstdc++.so.6; do
    libraries="$libraries $(${CC:-cc} -print-file-name=$name)"
done

export PYTHONPATH="$place" HIERBRUSH_CORE=c PYTHONMALLOC=malloc
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:halt_on_error=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
cd "$root/tests/sim"
# tests/sim/conftest.py ends the run unless this is the core that it tests.
export HIERBRUSH_EXPECT_CORE="$place" HIERBRUSH_EXPECT_BUILD=-fsanitize=address,undefined
# pyproject.toml puts the checkout before everything else; here the sanitised copy must come first.
LD_PRELOAD="$libraries" "$python" -P -m pytest -q -p no:cacheprovider -o pythonpath="$place" "$root/tests/sim" "$@"
