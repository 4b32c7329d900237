/* The smallest useful image holds this: one static program that needs no file beside it. */

#include <stdio.h>
#include <sys/utsname.h>

int main(void)
{
	struct utsname host;

	if (uname(&host) != 0) {
		perror("uname");
		return 1;
	}
	printf("Hello from fastlayer: no Docker, no daemon, no root (%s)\n", host.machine);
	return 0;
}
