// SPDX-License-Identifier: Apache-2.0
/* The self-test: what it says on this kernel, and that it leaves nothing behind. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/harness.h"
#include "userspace/ktls_probe.h"

static const char *const kernels[] = { "6.1", "6.12", "6.12-bpo", "7.3" };

/* What each kernel is known to lack: a self-test that says otherwise is wrong. */
static const struct {
	enum ktls_feature feature;
	const char *kernels;
} lacks[] = {
	{ KTLS_REKEY, " 6.1 6.12 6.12-bpo " },
	{ KTLS_MAX_FRAGMENT, " 6.1 6.12 6.12-bpo " },
	{ KTLS_SPLICE_RX, " 6.12-bpo " },
};

FIXTURE(probe) {
	struct ktls_crypto *crypto;
	struct ktls_features features;
};

FIXTURE_SETUP(probe)
{
	ASSERT_OK(ktls_crypto_new(&self->crypto));
	ASSERT_OK(ktls_probe(self->crypto, &self->features));
}

FIXTURE_TEARDOWN(probe)
{
	ktls_crypto_free(self->crypto);
}

static bool kernel_lacks(const char *kernel, enum ktls_feature feature)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", kernel);
	for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++)
		if (lacks[i].feature == feature && strstr(lacks[i].kernels, word))
			return true;
	return false;
}

TEST_F(probe, known_kernel)
{
	const char *kernel = getenv("LINEWARDEN_VM_KERNEL");
	bool known = false;

	for (size_t i = 0; kernel && i < sizeof(kernels) / sizeof(kernels[0]); i++)
		known |= !strcmp(kernel, kernels[i]);
	if (!known)
		SKIP("not in the virtual machine of a known kernel");
	for (int i = 0; i < KTLS_FEATURE_COUNT; i++)
		EXPECT_EQ(!kernel_lacks(kernel, i), self->features.has[i]) {
			TH_LOG("%s: %s", ktls_feature_name(i), self->features.reason[i]);
		}
}

TEST_F(probe, reasons)
{
	for (int i = 0; i < KTLS_FEATURE_COUNT; i++) {
		EXPECT_EQ(self->features.has[i], !*self->features.reason[i]);
		EXPECT_NOT_NULL(ktls_feature_name(i));
		EXPECT_TRUE(self->features.has[KTLS_ULP] || !self->features.has[i]);
	}
}

TEST(aeads)
{
	struct ktls_features features = {
		.has = { [KTLS_TLS13_AES_256_GCM] = true, [KTLS_TLS12_CHACHA20_POLY1305] = true },
	};

	EXPECT_EQ(1U << KTLS_AES_256_GCM, ktls_features_aeads(&features, TLS1_3_VERSION));
	EXPECT_EQ(1U << KTLS_CHACHA20_POLY1305, ktls_features_aeads(&features, TLS1_2_VERSION));
}

static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	ASSERT_NOT_NULL(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

TEST_F(probe, leaves_no_descriptors)
{
	int before = count_descriptors();

	ASSERT_OK(ktls_probe(self->crypto, &self->features));
	EXPECT_EQ(before, count_descriptors());
}

/* The second time, when the kernel has its ciphers loaded. */
TEST_F(probe, is_quick)
{
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	ASSERT_OK(ktls_probe(self->crypto, &self->features));
	clock_gettime(CLOCK_MONOTONIC, &end);
	long ms = (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000;
	EXPECT_GT(1000 * harness_time_scale(), ms);
}

HARNESS_MAIN
