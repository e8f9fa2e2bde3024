// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdbool.h>

#include "policy/validity.h"

/* days from 1970-01-01 to a date of the Gregorian calendar */
static int64_t validity_days(int year, int month, int day)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int past = year - 1;
	int64_t days = (int64_t)past * 365 + past / 4 - past / 100 + past / 400;

	days += before[month - 1] + day - 1 + (leap && month > 2);
	return days - 719162; /* 0001-01-01 to 1970-01-01 */
}

static int validity_days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
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

	if (year < 1 || month < 1 || month > 12 || day < 1 ||
	    day > validity_days_in_month(year, month) || hour > 23 || minute > 59 || second > 59)
		return -EBADMSG;
	*out = ((validity_days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
	return 0;
}
