/* SPDX-License-Identifier: MIT */
/* The present time as text. */
#include "lib/timestamp.h"

#include <stdio.h>
#include <time.h>

/*
 * Days since 1970-01-01 as a date of the Gregorian calendar. Years begin in
 * March here, so that the leap day is the last one: the months from then on
 * have a regular pattern of lengths, 153 days in five months.
 */
static void date_of(long days, int *year, int *month, int *day)
{
	long z = days + 719468; /* since 0000-03-01 */
	long era = z / 146097, of_era = z % 146097; /* 400 years */
	long y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) /
		 365;
	long of_year = of_era - (365 * y + y / 4 - y / 100);
	long m = (5 * of_year + 2) / 153;

	*day = (int)(of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(y + era * 400 + (*month <= 2));
}

void timestamp_now(char text[static TIMESTAMP_ROOM])
{
	struct timespec now;
	int year, month, day;

	clock_gettime(CLOCK_REALTIME, &now);
	date_of(now.tv_sec / 86400, &year, &month, &day);

	int s = (int)(now.tv_sec % 86400);

	snprintf(text, TIMESTAMP_ROOM, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ",
		 year, month, day, s / 3600, s / 60 % 60, s % 60, now.tv_nsec);
}
