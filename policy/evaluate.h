/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each check does with the facts; called through check_evaluate() only. Each gets a result
 * that says "failed" and has to say what it found; facts->present is true, but for
 * evaluate_certificate_present().
 */
#ifndef POLICY_EVALUATE_H
#define POLICY_EVALUATE_H

#include "policy/check.h"
#include "policy/facts.h"
#include "policy/rule.h"

typedef void evaluate_fn(const struct facts *facts, const struct rule *rule, int64_t now,
			 struct check_result *out);

evaluate_fn evaluate_certificate_present;
evaluate_fn evaluate_not_denied;
evaluate_fn evaluate_in_date;
evaluate_fn evaluate_key_1024;
evaluate_fn evaluate_trust_chain;
evaluate_fn evaluate_key_usage;
evaluate_fn evaluate_purpose;
evaluate_fn evaluate_critical_extensions;
evaluate_fn evaluate_key_2048;
evaluate_fn evaluate_not_self_signed;
evaluate_fn evaluate_not_reflected;
evaluate_fn evaluate_in_store;
evaluate_fn evaluate_remote_name;
evaluate_fn evaluate_sip_domain;

/* Ends a check: the outcome, and what was found. */
void evaluate_say(struct check_result *out, enum outcome outcome, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
