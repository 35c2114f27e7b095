/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The engine of protopool. protopool.h has a drawing of it, its conventions and the invariants of its data.
 *
 * Parts of this file. Each begins with a line that has its name.
 * @CONTENTS
 */

/* @PARTS */
