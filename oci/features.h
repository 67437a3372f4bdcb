/* SPDX-License-Identifier: MIT */
/* The features document: what this runtime can do (features.md). */
#pragma once

struct buf;

/* Appends the document. Made from the parser's own tables (oci/names.h). */
void features_format(struct buf *b);
