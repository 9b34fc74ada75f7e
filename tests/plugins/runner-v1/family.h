/* The processes and files of a run. */
#ifndef OPSLAB_TEST_FAMILY_H
#define OPSLAB_TEST_FAMILY_H

/* Kills every process whose environment holds exactly `entry` (`NAME=value`), until none is left.
 * 0, or -1 where they do not die. */
int kill_marked(const char* entry);

/* Removes a folder and all below it; links are not followed. 0, also where it is not there. */
int remove_tree(const char* path);

/* Waits a few milliseconds. */
void pause_briefly(void);

#endif
