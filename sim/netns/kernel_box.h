/* kernel_box.h: a box that the kernel itself is: nftables rules in a namespace whose
 * interfaces are called lan and wan. */
#ifndef NETNS_KERNEL_BOX_H
#define NETNS_KERNEL_BOX_H

/* The rules of that name (layout_kernel), or NULL: there are none. */
const char *kernel_box_rules(const char *name);

/* Makes the namespace a router by those rules.  Returns 0, or -1 with what is lacking and
 * what helps in error. */
int kernel_box_open(const char *name, int space, int home, char *error, int error_size);

#endif
