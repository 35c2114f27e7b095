/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The engine of protopool. The header has the drawing, the conventions and the invariants.
 *
 * Where is what. Each part begins with a line of its name.
 * @CONTENTS
 */

/* @PARTS */
