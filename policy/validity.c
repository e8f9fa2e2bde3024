// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "policy/validity.h"

enum { VALIDITY_DAY = 24 * 60 * 60, VALIDITY_EPOCH = 719162 /* 0001-01-01 to 1970-01-01 */ };

static int validity_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* days before a month of a year; month 13 is the next year's first */
static int validity_days_before(int year, int month)
{
	static const int before[] = {
		0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365,
	};

	return before[month - 1] + (month > 2 ? validity_leap(year) : 0);
}

/* days from 1970-01-01 to the first day of a year, 1 and later */
static int64_t validity_days(int year)
{
	int past = year - 1;

	return past * 365 + past / 4 - past / 100 + past / 400 - VALIDITY_EPOCH;
}

static int validity_pair(const unsigned char *at)
{
	return (at[0] - '0') * 10 + at[1] - '0';
}

int validity_seconds(const ASN1_TIME *time, int64_t *out)
{
	const unsigned char *at = ASN1_STRING_get0_data(time);
	int type = ASN1_STRING_type(time), len = ASN1_STRING_length(time);
	int want = type == V_ASN1_UTCTIME ? 13 : type == V_ASN1_GENERALIZEDTIME ? 15 : -1;
	int year;

	if (len != want || at[len - 1] != 'Z')
		return -EBADMSG;
	for (int i = 0; i < len - 1; i++) {
		if (at[i] < '0' || at[i] > '9')
			return -EBADMSG;
	}

	if (type == V_ASN1_UTCTIME) {
		year = validity_pair(at);
		year += year >= 50 ? 1900 : 2000;
		at += 2;
	} else {
		year = validity_pair(at) * 100 + validity_pair(at + 2);
		at += 4;
	}

	int month = validity_pair(at), day = validity_pair(at + 2);
	int hour = validity_pair(at + 4), minute = validity_pair(at + 6);
	int second = validity_pair(at + 8);

	if (year < 1 || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59)
		return -EBADMSG;

	int before = validity_days_before(year, month);

	if (day < 1 || day > validity_days_before(year, month + 1) - before)
		return -EBADMSG;
	*out = (validity_days(year) + before + day - 1) * VALIDITY_DAY + (hour * 60 + minute) * 60 +
	       second;
	return 0;
}

static void validity_narrow(struct validity_window *window, int64_t from, int64_t until)
{
	if (from > window->from)
		window->from = from;
	if (until < window->until)
		window->until = until;
}

bool validity_holds(struct validity_window *window, int64_t begin, int64_t end, int64_t now)
{
	if (now < begin) {
		validity_narrow(window, INT64_MIN, begin - 1);
		return false;
	}
	if (now > end) {
		validity_narrow(window, end + 1, INT64_MAX);
		return false;
	}
	validity_narrow(window, begin, end);
	return true;
}

void validity_date(int64_t seconds, struct validity_date *out)
{
	int64_t day = seconds / VALIDITY_DAY;
	int second = (int)(seconds % VALIDITY_DAY);

	if (second < 0) {
		second += VALIDITY_DAY;
		day--;
	}
	if (day < validity_days(1))
		day = validity_days(1);
	if (day >= validity_days(10000))
		day = validity_days(10000) - 1;

	int year = (int)(day + VALIDITY_EPOCH) / 366 + 1;

	while (validity_days(year + 1) <= day)
		year++;
	day -= validity_days(year);

	int month = 12;

	while (validity_days_before(year, month) > day)
		month--;
	*out = (struct validity_date){
		.year = year,
		.month = month,
		.day = (int)day - validity_days_before(year, month) + 1,
		.second = second,
	};
}
