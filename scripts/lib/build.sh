# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# build: what scripts that build share. Sourced; the working directory is the root.

# build_folder NAME [MESON OPTION…]: configures build folder NAME unless it is, and says so.
build_folder() {
	build_name=$1
	shift
	if [ ! -f "$build_name/build.ninja" ]; then
		echo "configuring $build_name"
		rm -rf "$build_name"
		meson setup "$@" "$build_name" >"$build_name.log" 2>&1 || {
			tail -n 20 "$build_name.log" >&2
			echo "$build_name: cannot be configured" >&2
			return 1
		}
		mv "$build_name.log" "$build_name/setup.log"
	fi
}

# build NAME [TARGET…]: compiles; on failure shows the compiler's words.
build() {
	build_name=$1
	shift
	echo "building $build_name"
	if ninja -k 0 -C "$build_name" "$@" >"$build_name/compile.log" 2>&1; then
		return 0
	fi
	grep -E -A 12 'FAILED|error:|undefined reference' "$build_name/compile.log" | head -n 60 >&2
	echo "$build_name: does not build; all of it in $build_name/compile.log" >&2
	return 1
}
