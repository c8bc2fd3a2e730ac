/* bertc version: print the versions of the program and its libraries. */
#include <stdio.h>

#include "cli/command.h"

bertc_status cli_version(const void *values, cli_arguments arguments, bertc_error *err)
{
    (void)values, (void)arguments, (void)err;
    char libraries[1024] = "";
    bertc_describe_libraries(NULL, libraries, sizeof libraries);
    printf("bertc %s\n%s\n", bertc_version(), libraries);
    return BERTC_OK;
}
