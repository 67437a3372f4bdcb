/* SPDX-License-Identifier: MIT */
/* bulkhead features: what this runtime can do, as JSON. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "oci/features.h"

static int run_features(const struct global_options *g, int argc, char **argv)
{
	_cleanup_(buf_fini) struct buf b = {};
	const struct option options[] = {{}};
	int at = cmd_options(&cmd_features, options, argc, argv);

	(void)g;
	if (at <= 0)
		return at;
	if (cmd_no_more(argc, argv, at) < 0)
		return -EINVAL;
	features_format(&b);
	if (b.failed)
		return fail(ENOMEM, "features");
	fputs(buf_str(&b), stdout);
	return 0;
}

const struct command cmd_features = {
	.name = "features",
	.arguments = "",
	.purpose = "Print what this runtime can do, as JSON",
	.run = run_features,
};
